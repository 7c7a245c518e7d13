import Control

/// What a command line comes to.
enum Parsed {
    case command(Command, operands: [String], options: [String: String])
    /// Help for one command, or for all.
    case help(Command?)
}

extension Command {
    /// Options that every command knows.
    static let common = [
        Option(name: "--help", value: nil, help: "Print help for the command"),
        Option(name: "--json", value: nil, help: "Print JSON"),
        Option(name: "--socket", value: "PATH", help: "The daemon's control socket"),
    ]

    /// Understands a command line; options may stand anywhere and be written `--name value` or `--name=value`.
    static func parse(_ arguments: [String], among commands: [Command]) throws(Failure) -> Parsed {
        var words: [String] = []
        var given: [(name: String, value: String?)] = []
        var rest = arguments[...]
        let valued = Set((commands.flatMap(\.options) + common).filter { $0.value != nil }.map(\.name))
        while let argument = rest.popFirst() {
            if argument == "--" {
                words += rest
                break
            } else if argument == "-h" {
                given.append(("--help", nil))
            } else if argument.hasPrefix("--") {
                let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                let name = String(parts[0])
                if parts.count == 2 {
                    given.append((name, String(parts[1])))
                } else {
                    given.append((name, valued.contains(name) ? rest.popFirst() : nil))
                }
            } else {
                words.append(argument)
            }
        }
        if words.first == "help" {
            words.removeFirst()
            given.append(("--help", nil))
        }
        let wantsHelp = given.contains { $0.name == "--help" }
        guard let first = words.first else {
            if wantsHelp { return .help(nil) }
            throw .usage("a command is missing")
        }
        guard let command = find(words, commands) else {
            if wantsHelp && words.count == 1 && commands.contains(where: { $0.words[0] == first }) { return .help(nil) }
            throw unknown(words, commands)
        }
        if wantsHelp { return .help(command) }
        let operands = Array(words.dropFirst(command.words.count))
        return .command(command, operands: operands, options: try command.check(operands, given))
    }

    private static func find(_ words: [String], _ commands: [Command]) -> Command? {
        commands.filter { words.starts(with: $0.words) }.max { $0.words.count < $1.words.count }
    }

    private static func unknown(_ words: [String], _ commands: [Command]) -> Failure {
        let group = commands.filter { $0.words[0] == words[0] }
        guard !group.isEmpty else {
            let hint = closestName(to: words[0], among: Array(Set(commands.map { $0.words[0] })).sorted())
            return .usage("unknown command '\(words[0])'" + (hint.map { ": did you mean '\($0)'?" } ?? ""))
        }
        let second = group.compactMap { $0.words.dropFirst().first }
        guard words.count > 1 else { return .usage("'\(words[0])' needs one of: \(second.joined(separator: ", "))") }
        let hint = closestName(to: words[1], among: second)
        return .usage(
            "unknown command '\(words[0]) \(words[1])': "
                + (hint.map { "did you mean '\($0)'?" } ?? "known are \(second.joined(separator: ", "))"))
    }

    private func check(
        _ operands: [String], _ given: [(name: String, value: String?)]
    ) throws(Failure) -> [String: String] {
        if operands.count < self.operands.count {
            throw .usage("\(self.operands[operands.count]) is missing: \(synopsis)")
        }
        let most = self.operands.count + optionalOperands.count
        if operands.count > most { throw .usage("unexpected '\(operands[most])': \(synopsis)") }
        let known = options + Self.common
        var result: [String: String] = [:]
        for (name, value) in given {
            guard let option = known.first(where: { $0.name == name }) else {
                let hint = closestName(to: name, among: known.map(\.name))
                throw .usage("'\(self.name)' has no option \(name)" + (hint.map { ": did you mean \($0)?" } ?? ""))
            }
            if option.value != nil && value == nil { throw .usage("\(name) needs a value: \(option.value ?? "")") }
            if option.value == nil && value != nil { throw .usage("\(name) takes no value") }
            result[name] = value ?? ""
        }
        for option in options where option.required && result[option.name] == nil {
            throw .usage("\(option.name) is missing: \(synopsis)")
        }
        return result
    }
}
