/// What the command line asks for.
enum NodeArguments: Equatable {
    case run(file: String)
    case check(file: String)
    case help
    case version
    case wrong(String)

    static let usage = """
        usage: anabranch-node --config FILE [--check]

          --config FILE   the configuration (JSON5); see Config/anabranch-node.json
          --check         check the file and exit: 0 good, 1 errors as file:line:column: message
          --version       print the version
          --help          print this

        Signals: SIGHUP reads the configuration again; SIGTERM and SIGINT finish what is under way, for at most
        drain_timeout, and stop; a second one stops at once.
        """

    init(_ words: [String]) {
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
