import Testing

@testable import anabranch

struct ParsingTests {
    private func parse(_ line: String) throws -> (name: String, operands: [String], options: [String: String]) {
        let words = line.split(separator: " ").map(String.init)
        guard case .command(let command, let operands, let options) = try Command.parse(words, among: Tool.commands)
        else {
            Issue.record("no command: \(line)")
            return ("", [], [:])
        }
        return (command.name, operands, options)
    }

    private func refusal(_ line: String) -> String {
        let words = line.split(separator: " ").map(String.init)
        do throws(Failure) {
            _ = try Command.parse(words, among: Tool.commands)
            return ""
        } catch {
            #expect(error.exitCode == 2)
            return error.message
        }
    }

    @Test func optionsMayStandAnywhere() throws {
        for line in [
            "--socket /s show tables --json", "show --socket=/s tables --json", "show tables --json --socket /s",
        ] {
            let parsed = try parse(line)
            #expect(parsed.name == "show tables")
            #expect(parsed.options == ["--socket": "/s", "--json": ""])
        }
        #expect(try parse("backend weight web/a 50").operands == ["web/a", "50"])
        #expect(try parse("backend drain -- --odd").operands == ["--odd"])
    }

    @Test(arguments: [
        ("", "a command is missing"),
        ("shwo", "unknown command 'shwo': did you mean 'show'?"),
        ("frobnicate", "unknown command 'frobnicate'"),
        (
            "show",
            "'show' needs one of: status, services, pools, backends, tables, fragments, jobs, nodes, queues, counters"
        ),
        ("show tabels", "unknown command 'show tabels': did you mean 'tables'?"),
        (
            "show everything",
            "unknown command 'show everything': known are status, services, pools, backends, tables, fragments, jobs, "
                + "nodes, queues, counters"
        ),
        ("backend drain", "[POOL/]NAME is missing: anabranch backend drain [POOL/]NAME"),
        ("show status now", "unexpected 'now': anabranch show status"),
        ("show status --jsno", "'show status' has no option --jsno: did you mean --json?"),
        ("show status --socket", "--socket needs a value: PATH"),
        ("show status --json=1", "--json takes no value"),
        (
            "explain --protocol udp --source 10.0.0.1:1",
            "--destination is missing: anabranch explain --protocol NAME --source A:P --destination A:P"
        ),
        ("check", "FILE is missing: anabranch check FILE"),
    ])
    func typosGetASuggestion(line: String, message: String) {
        #expect(refusal(line) == message)
    }

    @Test func helpIsThereForEveryCommand() throws {
        for command in Tool.commands {
            guard case .help(let found?) = try Command.parse(command.words + ["--help"], among: Tool.commands) else {
                Issue.record("no help for \(command.name)")
                continue
            }
            #expect(found.name == command.name)
            #expect(Help.page(found).contains("usage: \(command.synopsis)\n"))
        }
        guard case .help(nil) = try Command.parse(["help"], among: Tool.commands) else {
            Issue.record("no help")
            return
        }
        for command in Tool.commands { #expect(Help.overview(Tool.commands).contains("  \(command.name)")) }
    }
}
