import JSONText

/// The daemon's answers as tables for people.
enum ShowText {
    static func status(_ data: JSONValue, _ console: Console) -> String {
        let queues = data["queues"]
        let reload = data["last_reload"]
        let first = queues?.whole("first") ?? 0
        let last = queues?.whole("last") ?? 0
        let ready = data["ready"]?.bool == true
        var rows: [(String, String)] = [
            ("version", data["version"]?.string ?? "?"),
            ("state", ready ? console.paint("ready", .good) : console.paint("not ready", .bad)),
            ("up", Units.duration(data.whole("uptime_seconds") ?? 0) + " (since \(data["started"]?.string ?? "?"))"),
            ("configuration", data["configuration"]?.string ?? "?"),
            ("last reload", reloadLine(reload, console)),
            ("queues", (first == last ? "\(first)" : "\(first) to \(last)") + kernelNote(queues)),
            (
                "packets",
                Units.si(data.number("packets") ?? 0) + ", now "
                    + Units.si(data.number("packets_per_second") ?? 0) + "/s"
            ),
        ]
        let joined = data["fragments"]?["defragmented"]?.bool == true
        let parked = data["fragments"]?.number("parked") ?? 0
        rows.append(
            (
                "fragments",
                (joined ? console.paint("arrive defragmented, by connection tracking", .careful) : "one by one")
                    + ", \(Units.si(parked)) parked"
            ))
        for name in ["services", "pools", "backends"] { rows.append((name, upDown(data[name], console))) }
        rows.append(("memory", Units.bytes(data.number("resident_bytes") ?? 0) + " resident"))
        rows.append(("CPU", Units.fixed(data.number("cpu_seconds") ?? 0, 2) + " s"))
        rows.append(("log level", data["log_level"]?.string ?? "?"))
        if let failure = queues?["failure"]?.string { rows.append(("failure", console.paint(failure, .bad))) }
        let width = rows.map(\.0.count).max() ?? 0
        var text = rows.map { "\($0.0)\(String(repeating: " ", count: width - $0.0.count))  \($0.1)\n" }.joined()
        for error in reload?["errors"]?.array ?? [] { text += "  " + (error.string ?? "") + "\n" }
        let waiting = reload?["restart_needed"]?.array?.compactMap(\.string) ?? []
        if !waiting.isEmpty { text += "after a restart only: \(waiting.joined(separator: ", "))\n" }
        return text
    }

    static func services(_ data: JSONValue, _ console: Console) -> String {
        var table = TextTable([
            "SERVICE", "PRIO#", "PROTOCOL", "DESTINATION", "PORTS", "HASH", "POOL", "STATE", "PACKETS#",
        ])
        for row in data["services"]?.array ?? [] {
            let up = row["up"]?.bool == true
            table.add([
                .init(text(row["name"])), .init("\(row.whole("priority") ?? 0)"), .init(list(row["protocols"])),
                .init(list(row["destinations"])), .init(list(row["destination_ports"])), .init(text(row["hash_name"])),
                .init(text(row["pool"])), up ? .init("up", .good) : .init("no backend", .bad), count(row["packets"]),
            ])
        }
        return table.text(console)
    }

    static func pools(_ data: JSONValue, _ console: Console) -> String {
        var table = TextTable(["POOL", "SHARDS#", "BACKENDS#", "UP#", "CHECK", "EPOCH#", "PACKETS#", "BYTES#"])
        for row in data["pools"]?.array ?? [] {
            let up = row.whole("up") ?? 0
            let total = row.whole("backends") ?? 0
            table.add([
                .init(text(row["name"])), .init("\(row.whole("shards") ?? 0)"), .init("\(total)"),
                .init("\(up)", up == 0 ? .bad : up < total ? .careful : .good), .init(text(row["health"])),
                .init("\(row.whole("epoch") ?? 0)"), count(row["packets"]), bytes(row["bytes"]),
            ])
        }
        return table.text(console)
    }

    static func backends(_ data: JSONValue, _ console: Console) -> String {
        var table = TextTable([
            "POOL", "BACKEND", "STATE", "CHECK", "WEIGHT#", "SLOTS#", "FLOWS#", "MARK#", "ADDRESS", "PACKETS#",
            "BYTES#",
        ])
        for row in data["backends"]?.array ?? [] { add(row, to: &table) }
        let changed = data["backends"]?.array?.contains { $0["overridden"]?.bool == true } == true
        return table.text(console)
            + (changed
                ? "* changed at run time; the file's value returns when its entry changes or at a restart\n" : "")
    }

    static func backend(_ row: JSONValue, _ console: Console) -> String {
        backends(["backends": [row]], console)
    }

    private static func add(_ row: JSONValue, to table: inout TextTable) {
        let condition = text(row["condition"])
        let colour: Console.Colour = condition == "up" ? .good : condition == "down" ? .bad : .careful
        let health = row["health"]?.string
        let detail = row["health_detail"]?.string
        let check = health == "down" ? detail ?? "down" : health ?? "-"
        table.add([
            .init(text(row["pool"])), .init(text(row["name"])),
            .init(
                (row["drained"]?.bool == true ? "drained" : condition) + (row["overridden"]?.bool == true ? "*" : ""),
                colour),
            .init(check, health == "down" ? .bad : nil),
            .init("\(row.whole("weight") ?? 0)"), .init("\(row.whole("slots") ?? 0)"),
            .init(row.number("flows").map { Units.si($0) } ?? "-"),
            .init("\(row["mark"]?.integer(as: UInt32.self) ?? 0)"), .init(list(row["addresses"], empty: "-")),
            count(row["packets"]), bytes(row["bytes"]),
        ])
    }

    static func tables(_ data: JSONValue, _ console: Console) -> String {
        var table = TextTable(["POOL", "SIZE#", "EPOCH#", "DIGEST", "MOVED#", "MOVED#"])
        var shares = TextTable(["POOL", "BACKEND", "SLOTS#", "SHARE#", "DUE#"])
        for row in data["tables"]?.array ?? [] {
            let size = row.number("size") ?? 1
            let moved = row.number("moved")
            table.add([
                .init(text(row["pool"])), .init("\(row.whole("size") ?? 0)"), .init("\(row.whole("epoch") ?? 0)"),
                .init(text(row["digest"])), .init(moved.map { "\(Int($0))" } ?? "-"),
                .init(moved.map { Units.percent($0 / size) } ?? "-"),
            ])
            for share in row["shares"]?.array ?? [] {
                shares.add([
                    .init(text(row["pool"])), .init(text(share["backend"])), .init("\(share.whole("slots") ?? 0)"),
                    .init(Units.percent(share.number("share") ?? 0)), .init(Units.percent(share.number("wanted") ?? 0)),
                ])
            }
        }
        return table.text(console) + "\n" + shares.text(console)
    }

    static func queues(_ data: JSONValue, _ console: Console) -> String {
        var table = TextTable([
            "QUEUE#", "CPU#", "WAITING#", "DROPPED#", "OVERRUNS#", "BATCHES#", "MEAN BATCH#", "MEAN DECISION#",
            "PACKETS#",
        ])
        for row in data["queues"]?.array ?? [] {
            let full = row.number("dropped_full")
            let buffer = row.number("dropped_buffer")
            let dropped = full.map { $0 + (buffer ?? 0) }
            table.add([
                .init("\(row.whole("number") ?? 0)"), .init(row.whole("cpu").map { "\($0)" } ?? "-"),
                .init(row.number("waiting").map { Units.si($0) } ?? "-"),
                .init(dropped.map { Units.si($0) } ?? "-", (dropped ?? 0) > 0 ? .bad : nil),
                .init(Units.si(row.number("overruns") ?? 0), (row.number("overruns") ?? 0) > 0 ? .bad : nil),
                count(row["batches"]), .init(row.number("mean_batch").map { Units.figures($0) } ?? "-"),
                .init(row.number("mean_decision_nanoseconds").map { Units.nanoseconds($0) } ?? "-"),
                count(row["packets"]),
            ])
        }
        return table.text(console)
    }

    static func counters(_ data: JSONValue, _ console: Console) -> String {
        var table = TextTable(["COUNTER", "PACKETS#"])
        var sum: UInt64 = 0
        for member in data["outcomes"]?.object ?? [:] {
            let value = member.value.integer(as: UInt64.self) ?? 0
            sum += value
            table.add([.init(member.key), .init("\(value)")])
        }
        table.add([.init("sum of outcomes", .strong), .init("\(sum)", .strong)])
        let parked = data["parked"]?.integer(as: UInt64.self) ?? 0
        table.add([.init("parked now"), .init("\(parked)")])
        let received = data["packets_received"]?.integer(as: UInt64.self) ?? 0
        table.add([
            .init("packets received", .strong), .init("\(received)", received == sum &+ parked ? .good : .bad),
        ])
        let kernel = data["kernel"]
        if let queued = kernel?["queued"]?.integer(as: UInt64.self) {
            table.add([.init("queued by the kernel"), .init("\(queued)")])
            for (name, key) in [
                ("waiting", "waiting"), ("dropped, queue full", "dropped_full"), ("dropped, buffer", "dropped_buffer"),
            ] {
                table.add([.init("  \(name)"), .init("\(kernel?.whole(key) ?? 0)")])
            }
        }
        var reasons = TextTable(["MALFORMED", "PACKETS#"])
        for member in data["malformed"]?.object ?? [:] {
            reasons.add([.init(member.key), .init("\(member.value.integer(as: UInt64.self) ?? 0)")])
        }
        var rejected = TextTable(["REJECTED FRAGMENTS", "PACKETS#"])
        for member in data["rejected_fragments"]?.object ?? [:] {
            rejected.add([.init(member.key), .init("\(member.value.integer(as: UInt64.self) ?? 0)")])
        }
        var events = TextTable(["EVENT", "COUNT#"])
        for member in data["events"]?.object ?? [:] {
            events.add([.init(member.key), .init("\(member.value.integer(as: UInt64.self) ?? 0)")])
        }
        return [table, reasons, rejected, events].map { $0.text(console) }.joined(separator: "\n")
    }

    // MARK: Parts

    private static func reloadLine(_ reload: JSONValue?, _ console: Console) -> String {
        let good = reload?["ok"]?.bool == true
        return (reload?["time"]?.string ?? "?") + " "
            + (good ? console.paint("good", .good) : console.paint("refused, nothing changed", .bad))
    }

    private static func kernelNote(_ queues: JSONValue?) -> String {
        guard let waiting = queues?.number("waiting"), let dropped = queues?.number("dropped") else { return "" }
        return ", \(Units.si(waiting)) waiting, \(Units.si(dropped)) dropped by the kernel"
    }

    private static func upDown(_ counts: JSONValue?, _ console: Console) -> String {
        let up = counts?.whole("up") ?? 0
        let down = counts?.whole("down") ?? 0
        return console.paint("\(up) up", up > 0 ? .good : nil) + ", "
            + console.paint("\(down) down", down > 0 ? .bad : nil)
    }

    static func text(_ value: JSONValue?) -> String { value?.string ?? "-" }

    static func list(_ value: JSONValue?, empty: String = "any") -> String {
        let texts = value?.array?.compactMap(\.string) ?? []
        return texts.isEmpty ? empty : texts.joined(separator: ",")
    }

    private static func count(_ value: JSONValue?) -> TextTable.Cell { .init(Units.si(value?.double ?? 0)) }
    private static func bytes(_ value: JSONValue?) -> TextTable.Cell { .init(Units.bytes(value?.double ?? 0)) }
}
