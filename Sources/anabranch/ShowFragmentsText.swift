import JSONText

extension ShowText {
    /// The table of fragments, and that of pinned flows if there is one.
    static func fragments(_ data: JSONValue, _ console: Console) -> String {
        let places = (data.whole("size") ?? 0) + (data.whole("bucketsMax") ?? 0)
        var table = TextTable(["FRAGMENTED PACKETS", "COUNT#"])
        let rows: [(String, String, Bool)] = [
            ("followed now", "active", false), ("followed so far", "inserts", false),
            ("whole", "reassembled", false), ("time over", "objGC", false), ("collisions", "collisions", false),
            ("lost, no room", "rejected", true), ("lost, given up by the heaviest source", "evicted", true),
            ("refused", "poisoned", true),
        ]
        for (text, key, isBad) in rows { add(text, data[key], isBad, to: &table) }
        var fragments = TextTable(["FRAGMENTS", "COUNT#"])
        let counts: [(String, String, Bool)] = [
            ("parked now", "parked", false), ("parked so far", "stored", false), ("released", "released", false),
            ("dropped with their packet", "discarded", false), ("lost while parked", "lost", true),
            ("exact copies, dropped", "duplicates", false),
        ]
        for (text, key, isBad) in counts { add(text, data[key], isBad, to: &fragments) }
        var faults = TextTable(["REFUSED FOR", "PACKETS#"])
        for member in data["faults"]?.object ?? [:] { add(member.key, member.value, false, to: &faults) }
        let size =
            "\(places) places (\(data.whole("size") ?? 0) + \(data.whole("bucketsMax") ?? 0)), "
            + "peak of the extra ones \(data.whole("bucketsPeak") ?? 0), ttl \(data.whole("ttlMillis") ?? 0) ms, "
            + "room for \(data.whole("parkedMax") ?? 0) parked, \(Units.bytes(data.number("memory") ?? 0))\n"
        return [table, fragments, faults].map { $0.text(console) }.joined(separator: "\n") + "\n" + size
            + flows(data["flows"], console)
    }

    private static func flows(_ data: JSONValue?, _ console: Console) -> String {
        guard let data, data.object != nil else { return "" }
        var table = TextTable(["PINNED FLOWS", "COUNT#"])
        let rows: [(String, String, Bool)] = [
            ("now", "active", false), ("so far", "inserts", false), ("forgotten", "objGC", false),
            ("packets of flows without room", "rejected", true),
        ]
        for (text, key, isBad) in rows { add(text, data[key], isBad, to: &table) }
        let places = (data.whole("size") ?? 0) + (data.whole("bucketsMax") ?? 0)
        return "\n" + table.text(console) + "\n\(places) places, \(Units.bytes(data.number("memory") ?? 0))\n"
    }

    private static func add(_ name: String, _ value: JSONValue?, _ isBad: Bool, to table: inout TextTable) {
        let count = value?.integer(as: UInt64.self) ?? 0
        table.add([.init(name), .init("\(count)", isBad && count > 0 ? .bad : nil)])
    }
}
