import Splitting

/// A node of the simulation: keeps and works on chunks, and reassembles by the desk that real nodes use.
final class SimulatedNode {
    struct Work {
        var chunk: Chunk
        var time: UInt64
        var waited: UInt64
    }

    private struct Place: Hashable {
        let job: JobID
        let index: Int
    }

    let name: String
    private let settings: ReassemblySettings
    var desk: ReassemblyDesk
    var isAlive = true
    var frozenUntil: UInt64 = 0
    /// What came while it was frozen.
    var backlog: [SimulatedWorld.Event] = []
    var workers = 2
    var queueSize = 256
    /// Nanoseconds for a chunk, and for each of its bytes.
    var fixed: UInt64 = 200_000
    var perByte: UInt64 = 50
    var slowdown: UInt64 = 1
    /// Whether its processor gives wrong results with right checksums.
    var lies = false
    private(set) var epoch = 0
    private(set) var seen: [JobID: Set<Int>] = [:]
    private var busy = 0
    private var queue: [(chunk: Chunk, came: UInt64)] = []
    private var kept: [Place: Chunk] = [:]
    private var running: [Place: String] = [:]
    private var done: [Place: ChunkResult] = [:]
    private var settled: Set<JobID> = []

    init(name: String, settings: ReassemblySettings) {
        self.name = name
        self.settings = settings
        desk = ReassemblyDesk(settings: settings, checksum: testChecksum)
    }

    /// The processor: an answer is right only if all bytes went through it once, in order.
    static func process(_ payload: [UInt8]) -> [UInt8] { payload.map { $0 ^ 0x5A } }

    func isUp(_ now: UInt64) -> Bool { isAlive && frozenUntil <= now }

    func die() {
        isAlive = false
        epoch += 1
        busy = 0
        queue = []
        kept = [:]
        running = [:]
        done = [:]
        backlog = []
        frozenUntil = 0
        desk = ReassemblyDesk(settings: settings, checksum: testChecksum)
    }

    func report() -> LoadReport {
        LoadReport(
            processor: UInt16(1000 * busy / workers), memory: 100, workers: UInt16(workers),
            waiting: UInt32(queue.count), queueSize: UInt32(queueSize), credit: UInt32(queueSize - queue.count),
            types: [])
    }

    func receive(_ message: LinkMessage, from peer: String, now: UInt64) -> [(LinkMessage, String)] {
        switch message {
        case .chunk(var chunk):
            if chunk.reassembly.isEmpty { chunk.reassembly = peer }
            return take(chunk, now: now)
        case .demand(let demand):
            let place = Place(job: demand.job, index: demand.index)
            if let result = done[place] { return [(.result(result), peer)] }
            if var chunk = kept.removeValue(forKey: place) {
                chunk.standby = false
                chunk.reassembly = peer
                return take(chunk, now: now)
            }
            if running[place] != nil { return [] }
            if queue.contains(where: { $0.chunk.terms.job == demand.job && $0.chunk.index == demand.index }) {
                return []
            }
            return [(.result(ChunkResult(job: demand.job, index: demand.index, replica: 0, status: .unknown)), peer)]
        case .settled(let id):
            settled.insert(id)
            queue.removeAll { $0.chunk.terms.job == id }
            for place in kept.keys where place.job == id { kept[place] = nil }
            for place in done.keys where place.job == id { done[place] = nil }
            return []
        default: return []
        }
    }

    private func take(_ chunk: Chunk, now: UInt64) -> [(LinkMessage, String)] {
        if settled.contains(chunk.terms.job) { return [] }
        seen[chunk.terms.job, default: []].insert(chunk.index)
        let place = Place(job: chunk.terms.job, index: chunk.index)
        func refusal(_ status: ChunkResult.Status) -> [(LinkMessage, String)] {
            let result = ChunkResult(
                job: chunk.terms.job, index: chunk.index, replica: chunk.replica, status: status)
            return [(.result(result), chunk.reassembly)]
        }
        if testChecksum(chunk.terms.checksums, chunk.payload) != chunk.checksum { return refusal(.damaged) }
        if let result = done[place] { return [(.result(result), chunk.reassembly)] }
        if running[place] != nil {
            running[place] = chunk.reassembly
            return []
        }
        if chunk.standby {
            kept[place] = chunk
            return []
        }
        if queue.count >= queueSize { return refusal(.refused) }
        queue.append((chunk, now))
        return []
    }

    /// The next chunk for an idle worker.
    func startNext(now: UInt64) -> Work? {
        guard busy < workers, !queue.isEmpty else { return nil }
        let (chunk, came) = queue.removeFirst()
        busy += 1
        running[Place(job: chunk.terms.job, index: chunk.index)] = chunk.reassembly
        let time = (fixed + perByte * UInt64(chunk.payload.count)) * slowdown
        return Work(chunk: chunk, time: time, waited: now - came)
    }

    /// A chunk is done: its result and the node it goes to.
    func finish(_ work: Work) -> (ChunkResult, String)? {
        busy -= 1
        let chunk = work.chunk
        let place = Place(job: chunk.terms.job, index: chunk.index)
        let reassembly = running.removeValue(forKey: place) ?? chunk.reassembly
        if settled.contains(chunk.terms.job) { return nil }
        var payload = Self.process(chunk.payload)
        if lies { payload[0] ^= 1 }
        let result = ChunkResult(
            job: chunk.terms.job, index: chunk.index, replica: chunk.replica, status: .done,
            waited: UInt32(work.waited / 1000), worked: UInt32(work.time / 1000), payload: payload,
            checksum: testChecksum(chunk.terms.checksums, payload))
        done[place] = result
        return (result, reassembly)
    }
}
