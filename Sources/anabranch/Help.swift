/// The help pages.
enum Help {
    /// All commands, one line each.
    static func overview(_ commands: [Command]) -> String {
        let rows = commands.map { command in
            ("  " + ([command.name] + command.operands).joined(separator: " "), command.summary)
        }
        let width = (rows.map(\.0.count).max() ?? 0) + 2
        var text = "usage: anabranch [--socket PATH] [--json] COMMAND …\n\ncommands:\n"
        for (left, right) in rows { text += pad(left, width) + right + "\n" }
        text += "\nanabranch COMMAND --help tells more.\n"
        text += "Exit status: 0 good, 1 failed, 2 usage, 3 daemon not reachable.\n"
        return text
    }

    /// One command.
    static func page(_ command: Command) -> String {
        var text = "usage: \(command.synopsis)\n\n\(command.summary)\n"
        if !command.details.isEmpty { text += "\n\(command.details)\n" }
        text += "\noptions:\n"
        let rows = (command.options + Command.common).map { option in
            ("  \(option.name)" + (option.value.map { " \($0)" } ?? ""), option.help)
        }
        let width = (rows.map(\.0.count).max() ?? 0) + 2
        for (left, right) in rows { text += pad(left, width) + right + "\n" }
        return text
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
