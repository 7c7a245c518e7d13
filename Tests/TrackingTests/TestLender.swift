@testable import Tracking

/// A stock of records for packets with many holes.
struct TestLender: ~Copyable, RecordLender {
    private let records: Slab<StoredFragment>
    let pool: IndexPool
    private let region: MappedRegion

    init(_ count: Int = 64) throws {
        var plan = RegionPlan()
        let place = plan.reserve(StoredFragment.self, count: count)
        let places = IndexPool.reserve(count, workers: 1, in: &plan)
        let region = try MappedRegion(bytes: plan.byteCount)
        records = region.slab(place)
        for record in 0..<count { records.initialize(record, to: StoredFragment()) }
        pool = IndexPool(places, in: region, first: 0, free: 0..<UInt32(count))
        self.region = region
    }

    func lend(to source: UInt16, _ worker: UInt32) -> UInt32 { pool.take(worker) }
    func takeBack(_ record: UInt32, from source: UInt16, _ worker: UInt32) { pool.put(record, worker) }
    func record(_ record: UInt32) -> Cell<StoredFragment> { records.cell(record) }
}
