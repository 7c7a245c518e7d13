import Glibc

/// Where output goes, and whether it may have colours.
struct Console: Sendable {
    /// The colours that are used; each says one thing.
    enum Colour: String {
        case good = "32"
        case bad = "31"
        case careful = "33"
        case strong = "1"
        case faint = "2"
    }

    let hasColours: Bool

    /// Standard output: colours on a terminal only, and never with NO_COLOR (no-color.org).
    static var standard: Console {
        let refused = unsafe getenv("NO_COLOR").map { unsafe $0.pointee != 0 } ?? false
        let dumb = unsafe getenv("TERM").map { unsafe String(cString: $0) == "dumb" } ?? false
        return Console(hasColours: isatty(STDOUT_FILENO) == 1 && !refused && !dumb)
    }

    /// The text in a colour, where there are colours.
    func paint(_ text: String, _ colour: Colour?) -> String {
        guard hasColours, let colour, !text.isEmpty else { return text }
        return "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m"
    }

    /// Writes to standard output. A reader that went away ends the program quietly, as with other filters.
    func write(_ text: String) { Self.write(text, to: STDOUT_FILENO) }

    /// Writes to standard error.
    func complain(_ text: String) { Self.write(text, to: STDERR_FILENO) }

    private static func write(_ text: String, to descriptor: Int32) {
        let bytes = Array(text.utf8)
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress! + written, $0.count - written)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { exit(1) }
            written += count
        }
    }
}
