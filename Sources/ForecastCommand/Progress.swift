import Glibc

/// A line on the terminal that says how far a long run has come; silent where standard error is not a terminal.
struct Progress {
    let total: Int
    let what: String
    private var done = 0
    private let begun = Files.seconds()
    private var shown = 0.0
    private let isShown: Bool

    init(total: Int, what: String) {
        self.total = total
        self.what = what
        isShown = isatty(2) == 1
    }

    mutating func advance() {
        done += 1
        guard isShown else { return }
        let now = Files.seconds()
        // Nothing is said of runs that take less than two seconds.
        guard now - begun > 2, now - shown > 0.2 else { return }
        shown = now
        let left = (now - begun) / Double(done) * Double(total - done)
        Files.write("\r\(done) of \(total) \(what), about \(fixed(left, 0)) s left \u{1B}[K", to: 2)
    }

    func end() {
        if shown > 0 { Files.write("\r\u{1B}[K", to: 2) }
    }
}
