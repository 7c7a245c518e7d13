import Control
import Glibc
import JSONText

/// The commands that ask the daemon.
enum DaemonCommands {
    static let all: [Command] =
        [
            show("status", "How the daemon is: queues, reload, rates, what is up", ShowText.status),
            show("services", "Services, their pools and packets", ShowText.services),
            show("pools", "Pools, their backends and traffic", ShowText.pools),
            show("backends", "Backends: state, check, weight, shards, traffic", ShowText.backends),
            show("tables", "Shard tables: epoch, digest, moved slots, shares", ShowText.tables),
            show("fragments", "The table of fragments: packets followed, parked, lost, refused", ShowText.fragments),
            jobs,
            show("nodes", "The nodes that work on chunks: links, load table, credit", ShowText.nodes),
            show("queues", "Queues: waiting and dropped packets, batches, decision time", ShowText.queues),
            show("counters", "Every outcome, every reason for malformed packets, every event", ShowText.counters),
            backend("activate", "Give a backend its shards (again)"),
            backend("drain", "Give a backend no new shards; pinned flows stay"),
            backend("deactivate", "Take a backend out"),
            weight, explain, reload, logLevel,
        ]

    private static func show(
        _ topic: String, _ summary: String, _ render: @escaping @Sendable (JSONValue, Console) -> String
    ) -> Command {
        Command(words: ["show", topic], summary: summary) { invocation throws(Failure) in
            let data = try ask(ControlRequest(["show", topic]), invocation)
            print(data, invocation, render)
        }
    }

    private static let jobs = Command(
        words: ["show", "jobs"],
        options: [Option(name: "--job", value: "JOB", help: "One job as a time line, named as in the list")],
        summary: "Payloads that are split: how they ended, how long they took, the last ones"
    ) { invocation throws(Failure) in
        var arguments: JSONObject = [:]
        if let job = invocation["--job"] { arguments["job"] = JSONValue(job) }
        print(try ask(ControlRequest(["show", "jobs"], arguments), invocation), invocation, ShowText.jobs)
    }

    private static let lasts = "The change lasts until the backend's entry in the file changes or the daemon restarts."

    private static func backend(_ verb: String, _ summary: String) -> Command {
        Command(words: ["backend", verb], operands: ["[POOL/]NAME"], summary: summary, details: lasts) {
            invocation throws(Failure) in
            let request = ControlRequest(["backend", verb], ["backend": JSONValue(invocation.operands[0])])
            print(try ask(request, invocation), invocation, ShowText.backend)
        }
    }

    private static let weight = Command(
        words: ["backend", "weight"], operands: ["[POOL/]NAME", "N"],
        summary: "Set a backend's weight, 0 to 65535; 0 takes no shards", details: lasts
    ) { invocation throws(Failure) in
        guard let number = Int(invocation.operands[1]), (0...65_535).contains(number) else {
            throw .usage("weight '\(invocation.operands[1])' is no number from 0 to 65535")
        }
        let request = ControlRequest(
            ["backend", "weight"], ["backend": JSONValue(invocation.operands[0]), "weight": JSONValue(number)])
        print(try ask(request, invocation), invocation, ShowText.backend)
    }

    private static let explain = Command(
        words: ["explain"],
        options: [
            Option(name: "--protocol", value: "NAME", help: "udp, tcp, sctp, icmp, … or a number", required: true),
            Option(name: "--source", value: "A:P", help: "10.0.0.1:5000 or [fd00::1]:5000", required: true),
            Option(name: "--destination", value: "A:P", help: "Address and port it goes to", required: true),
        ],
        summary: "Where would this packet go, and why"
    ) { invocation throws(Failure) in
        var arguments: JSONObject = [:]
        for name in ["protocol", "source", "destination"] { arguments[name] = JSONValue(invocation["--\(name)"] ?? "") }
        print(try ask(ControlRequest(["explain"], arguments), invocation), invocation, ExplainText.text)
    }

    private static let reload = Command(
        words: ["reload"], summary: "Read the configuration again; a bad file changes nothing"
    ) { invocation throws(Failure) in
        print(try ask(ControlRequest(["reload"]), invocation), invocation) { data, _ in
            let names = { (key: String) in data[key]?.array?.compactMap(\.string).joined(separator: ", ") ?? "" }
            var text = "configuration taken over"
            text +=
                names("changed_pools").isEmpty
                ? ", no table changed\n" : "; tables changed: \(names("changed_pools"))\n"
            if !names("ended_overrides").isEmpty { text += "run-time changes ended: \(names("ended_overrides"))\n" }
            if !names("restart_needed").isEmpty { text += "after a restart only: \(names("restart_needed"))\n" }
            return text
        }
    }

    private static let logLevel = Command(
        words: ["log-level"], operands: ["LEVEL"],
        summary: "Set how much is logged: error, warning, notice, info, debug"
    ) { invocation throws(Failure) in
        let request = ControlRequest(["log-level"], ["level": JSONValue(invocation.operands[0])])
        print(try ask(request, invocation), invocation) { data, _ in "log level \(ShowText.text(data["level"]))\n" }
    }

    // MARK: Parts

    private static func print(
        _ data: JSONValue, _ invocation: Invocation, _ render: (JSONValue, Console) -> String
    ) {
        guard invocation.has("--json") else {
            invocation.console.write(render(data, invocation.console))
            return
        }
        var writer = JSONWriter(.pretty)
        writer.write(data)
        writer.newline()
        invocation.console.write(writer.text)
    }

    private static func ask(_ request: ControlRequest, _ invocation: Invocation) throws(Failure) -> JSONValue {
        let variable = unsafe getenv("ANABRANCH_SOCKET").map { unsafe String(cString: $0) }
        let path = invocation["--socket"] ?? variable ?? "/run/anabranch/control.sock"
        do throws(ControlClient.Failure) {
            return try ControlClient.ask(request, socket: path)
        } catch {
            switch error {
            case .refused(let refusal): throw .failed(refusal.message)
            case .broken(let text): throw .failed(text)
            case .unreachable(let text):
                throw .unreachable(
                    "the daemon is not reachable: \(text)\nis anabranchd running? --socket names another socket")
            }
        }
    }
}
