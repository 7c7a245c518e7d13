/// Days and hours of the proleptic Gregorian calendar, UTC.
enum Calendar {
    /// Days since 1970-01-01 (Hinnant's days_from_civil).
    static func days(year: Int, month: Int, day: Int) -> Int {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// Seconds since the epoch of `YYYY-MM-DD`, `YYYY-MM-DD HH:MM`, `YYYY-MM-DDTHH:MM:SSZ`; nil for anything else.
    static func seconds(_ text: String) -> Int64? {
        var body = text
        if body.hasSuffix("Z") { body.removeLast() }
        let halves = body.split(maxSplits: 1, omittingEmptySubsequences: false) { $0 == " " || $0 == "T" }
        let date = halves[0].split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard date.count == 3, let year = date[0], let month = date[1], let day = date[2],
            (1...12).contains(month), (1...31).contains(day), (0...9_999).contains(year)
        else { return nil }
        var seconds = 0
        if halves.count == 2 {
            let time = halves[1].split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
            guard (2...3).contains(time.count), let hour = time[0], let minute = time[1], (0...23).contains(hour),
                (0...59).contains(minute)
            else { return nil }
            seconds = hour * 3_600 + minute * 60
            if time.count == 3 {
                guard let second = time[2], (0...60).contains(second) else { return nil }
                seconds += second
            }
        }
        return Int64(days(year: year, month: month, day: day) * 86_400 + seconds)
    }

    /// Month, day, hour and minute of a time.
    static func parts(_ time: Int64) -> (year: Int, month: Int, day: Int, hour: Int, minute: Int) {
        let day = Int((time >= 0 ? time : time - 86_399) / 86_400)
        let rest = Int(time) - day * 86_400
        let z = day + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1, rest / 3_600,
            rest / 60 % 60
        )
    }
}
