/// What the command line of a program that serves asks for.
public enum ServiceArguments: Equatable, Sendable {
    /// Serve, by this file.
    case run(file: String)
    /// Check this file.
    case check(file: String)
    /// Say how it is used.
    case help
    /// Say which version it is.
    case version
    /// Not understood, and why.
    case wrong(String)

    /// How it is used.
    ///
    /// - Parameters:
    ///   - program: its name.
    ///   - example: the default file among the package's.
    ///   - signals: what signals do, a sentence.
    public static func usage(_ program: String, example: String, signals: String) -> String {
        """
        usage: \(program) --config FILE [--check]

          --config FILE   the configuration (JSON5); see \(example)
          --check         check the file and exit: 0 good, 1 errors as file:line:column: message
          --version       print the version
          --help          print this

        Signals: \(signals)
        """
    }

    /// Reads the words behind the program's name.
    public init(_ words: [String]) {
        var file: String?
        var check = false
        var rest = words[...]
        while let word = rest.popFirst() {
            switch word {
            case "--help", "-h":
                self = .help
                return
            case "--version":
                self = .version
                return
            case "--check": check = true
            case "--config":
                guard let value = rest.popFirst() else {
                    self = .wrong("--config needs a file")
                    return
                }
                file = value
            case _ where word.hasPrefix("--config="): file = String(word.dropFirst("--config=".count))
            default:
                self = .wrong("unknown argument '\(word)'")
                return
            }
        }
        guard let file else {
            self = .wrong("--config FILE is missing")
            return
        }
        self = check ? .check(file: file) : .run(file: file)
    }
}
