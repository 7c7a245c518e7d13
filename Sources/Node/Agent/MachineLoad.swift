import Hosting

/// How busy the machine is, from /proc.
struct MachineLoad {
    /// Share of the processors that was busy since the last look, in thousandths.
    private(set) var processor: UInt16 = 0
    /// Share of the memory that is in use, in thousandths.
    private(set) var memory: UInt16 = 0
    private var last: (busy: UInt64, all: UInt64)?

    /// Looks again. What cannot be read stays as it was.
    mutating func sample() {
        if let text = readSmallFile("/proc/stat"), let now = Self.ticks(text) {
            // The kernel counts in hundredths of a second; a shorter time says nothing.
            if let last, now.all >= last.all + 2 {
                let busy = now.busy >= last.busy ? now.busy - last.busy : 0
                processor = UInt16(min(1000, busy * 1000 / (now.all - last.all)))
                self.last = now
            } else if last == nil {
                last = now
            }
        }
        if let text = readSmallFile("/proc/meminfo"), let share = Self.memoryShare(text) { memory = share }
    }

    /// Ticks of all processors together, from the first line of /proc/stat (proc(5)): idle and iowait are not busy, and
    /// what a hypervisor stole is.
    static func ticks(_ text: String) -> (busy: UInt64, all: UInt64)? {
        guard let line = text.split(separator: "\n").first, line.hasPrefix("cpu ") else { return nil }
        // guest and guest_nice are part of user and nice.
        let ticks = line.split(separator: " ").dropFirst().prefix(8).compactMap { UInt64($0) }
        guard ticks.count >= 5 else { return nil }
        let all = ticks.reduce(0, &+)
        return (all - ticks[3] - ticks[4], all)
    }

    /// Memory that is not available to programs, in thousandths, from /proc/meminfo.
    static func memoryShare(_ text: String) -> UInt16? {
        func kibibytes(_ name: String) -> UInt64? {
            text.split(separator: "\n").first { $0.hasPrefix(name + ":") }?
                .split(separator: " ").dropFirst().first.flatMap { UInt64($0) }
        }
        guard let total = kibibytes("MemTotal"), total > 0, let available = kibibytes("MemAvailable") else {
            return nil
        }
        return UInt16(min(1000, (total - min(available, total)) * 1000 / total))
    }
}
