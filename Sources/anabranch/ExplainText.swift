import JSONText

/// An explanation for people.
enum ExplainText {
    static func text(_ data: JSONValue, _ console: Console) -> String {
        let from = ShowText.text(data["source"])
        let to = ShowText.text(data["destination"])
        var result = "\(ShowText.text(data["protocol"])) \(from) → \(to)\n"
        result += part(data, console)
        if let fragment = data["fragment"] {
            result += "\nas a fragment behind the first\n" + part(fragment, console)
        }
        return result
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
        let reasons = data["why"]?.array?.compactMap(\.string) ?? []
        for (index, reason) in reasons.enumerated() {
            result += (index == 0 ? "  why      " : "           ") + reason + "\n"
        }
        return result
    }
}
