import Selection
import Splitting
import Wire

/// What the tests of planning have in common: eight nodes, a payload, a measured type.
protocol PlanTests {}

extension PlanTests {
    static var names: [String] { ["a", "b", "c", "d", "e", "f", "g", "h"] }

    static func ring(_ names: [String] = names) throws -> ShardTable {
        try ShardTable.build(members: names.map { TableMember(name: $0) }, size: 1009)
    }

    static func request(
        _ size: Int = 40_000, type: RequestTypeSettings = RequestTypeSettings(name: "t"), key: UInt64 = 1 << 60,
        port: UInt16 = 4000
    ) -> SplitRequest {
        let client = Endpoint(address: IPAddress(10, 0, 0, 1), port: port)
        let virtual = Endpoint(address: IPAddress(192, 0, 2, 1), port: 53)
        return SplitRequest(
            payload: [UInt8](repeating: 7, count: size), type: type, key: key,
            endpoints: JobEndpoints(client: client, virtual: virtual))
    }

    /// Measurements of a type that needs `fixed` and `perByte` nanoseconds.
    static func history(fixed: Double, perByte: Double) -> TypeHistory {
        var history = TypeHistory()
        for step in 1...60 {
            let bytes = step * 500
            let worked = UInt32((fixed + perByte * Double(bytes)) / 1000)
            history.recordChunk(bytes: bytes, worked: worked, took: worked)
        }
        return history
    }

    func plan(
        _ request: SplitRequest = request(), _ change: (inout SplittingSettings) -> Void = { _ in },
        names: [String] = names, conditions: [String: NodeCondition]? = nil, history: TypeHistory = TypeHistory()
    ) throws -> SplitPlan {
        var settings = SplittingSettings()
        change(&settings)
        try settings.validate()
        let conditions = conditions ?? Dictionary(uniqueKeysWithValues: names.map { ($0, NodeCondition()) })
        return try ShardManager(settings: settings).plan(
            request, ring: Self.ring(names), conditions: conditions, history: history)
    }

    func plan(_ change: (inout SplittingSettings) -> Void, history: TypeHistory) throws -> SplitPlan {
        try plan(Self.request(), change, history: history)
    }

    func plan(
        _ change: (inout SplittingSettings) -> Void, names: [String], conditions: [String: NodeCondition]? = nil
    ) throws -> SplitPlan {
        try plan(Self.request(), change, names: names, conditions: conditions)
    }
}
