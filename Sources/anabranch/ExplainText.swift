import JSONText

/// An explanation for people.
enum ExplainText {
    static func text(_ data: JSONValue, _ console: Console) -> String {
        let from = ShowText.text(data["source"])
        let to = ShowText.text(data["destination"])
        var result = "\(ShowText.text(data["protocol"])) \(from) → \(to)\n"
        result += part(data, console)
        return result + reasons(data["fragments"]?["why"], "fragments")
    }

    private static func part(_ data: JSONValue, _ console: Console) -> String {
        var rows: [(String, String)] = [
            ("outcome", console.paint(ShowText.text(data["outcome"]), data["backend"]?.string == nil ? .bad : .good)),
            ("service", ShowText.text(data["service"])), ("pool", ShowText.text(data["pool"])),
        ]
        if let backend = data["backend"]?.string {
            rows.append(("hash", data["hash"]?.integer(as: UInt32.self).map { String($0) } ?? "-"))
            rows.append(("shard", "\(data["shard"]?.int ?? 0) of \(data["shards"]?.int ?? 0)"))
            rows.append(("backend", backend))
        }
        rows.append(("mark", data["mark"]?.integer(as: UInt32.self).map { String($0) } ?? "none"))
        var result = rows.map { "  \($0.0)\(String(repeating: " ", count: 9 - $0.0.count))\($0.1)\n" }.joined()
        result += reasons(data["why"], "why")
        return result
    }

    private static func reasons(_ lines: JSONValue?, _ title: String) -> String {
        let lines = lines?.array?.compactMap(\.string) ?? []
        let head = "  " + title + String(repeating: " ", count: 9 - title.count)
        return lines.enumerated().map { ($0 == 0 ? head : "           ") + $1 + "\n" }.joined()
    }
}
