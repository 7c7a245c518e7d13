import Splitting
import Testing

@Suite("Headers of clients")
struct HeaderTests {
    @Test func aPayloadOfShardsIsCutWhereItsClientCutIt() throws {
        let shards: [[UInt8]] = [[1, 2, 3], [4], [5, 6]]
        let payload = try ClientShards.payload(of: shards)
        let ranges = try ClientShards.ranges(of: payload.span, maximum: 3)
        #expect(ranges.map { Array(payload[$0]) } == shards)
        #expect(Array(payload.prefix(8)) == [0x41, 0x42, 0x53, 0x31, 1, 0, 0, 3])
    }

    @Test func evenShardsCoverTheData() throws {
        let data = (0..<1001).map { UInt8(truncatingIfNeeded: $0) }
        let payload = try ClientShards.payload(cutting: data, into: 7)
        let ranges = try ClientShards.ranges(of: payload.span, maximum: 16)
        #expect(ranges.count == 7)
        #expect(ranges.flatMap { payload[$0] } == data)
        #expect(throws: ClientShards.Fault.emptyShard(3)) { try ClientShards.payload(cutting: [1, 2, 3], into: 4) }
        #expect(throws: ClientShards.Fault.count(0, allowed: 1024)) { try ClientShards.payload(of: []) }
    }

    @Test func aHeaderThatLiesIsRefused() throws {
        let good = try ClientShards.payload(of: [[1, 2, 3], [4, 5]])
        func fault(_ change: (inout [UInt8]) -> Void, maximum: Int = 16) -> ClientShards.Fault? {
            var bytes = good
            change(&bytes)
            do {
                _ = try ClientShards.ranges(of: bytes.span, maximum: maximum)
                return nil
            } catch { return error }
        }
        #expect(fault { _ in } == nil)
        #expect(fault { $0[0] = 0 } == .notShards)
        #expect(fault { $0 = [0x41] } == .notShards)
        #expect(fault { $0 = Array($0.prefix(7)) } == .truncated(bytes: 7, needed: 8))
        #expect(fault { $0 = Array($0.prefix(12)) } == .truncated(bytes: 12, needed: 16))
        #expect(fault { $0[4] = 2 } == .version(2))
        #expect(fault { $0[5] = 1 } == .reserved(1))
        #expect(fault { $0[7] = 0 } == .count(0, allowed: 16))
        #expect(fault({ _ in }, maximum: 1) == .count(2, allowed: 1))
        #expect(fault { $0[11] = 0 } == .emptyShard(0))
        #expect(fault { $0.append(9) } == .length(claimed: 5, present: 6))
        #expect(fault { $0[8] = 0xFF } == .length(claimed: 0xFF00_0005, present: 5))
    }

    @Test func noBytesWhatsoeverMakeTheParserTrap() {
        var generator = SeededGenerator(state: 8)
        for _ in 0..<5000 {
            var bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            if bytes.count > 8 { bytes.replaceSubrange(0..<7, with: ClientShards.magic + [1, 0, 0]) }
            if let ranges = try? ClientShards.ranges(of: bytes.span, maximum: 8) {
                #expect(ranges.allSatisfy { $0.upperBound <= bytes.count })
            }
            _ = try? AnswerParts(AnswerParts.magic + bytes)
        }
    }

    @Test(arguments: [1, 65_479, 65_480, 200_000]) func partsOfAnAnswerJoinInAnyOrder(size: Int) throws {
        let answer = (0..<size).map { UInt8(truncatingIfNeeded: $0 / 7) }
        let datagrams = AnswerParts.datagrams(of: answer, id: 77)
        #expect(datagrams.allSatisfy { $0.count <= 65_507 })
        #expect(datagrams.count == (size + 65_478) / 65_479)
        var assembly = AnswerAssembly()
        var whole: [UInt8]?
        for datagram in datagrams.reversed() {
            #expect(whole == nil)
            let part = try AnswerParts(datagram)
            #expect(part.answer == 77)
            whole = try assembly.take(part)
        }
        #expect(whole == answer)
    }

    @Test func partsThatContradictEachOtherAreRefused() throws {
        let one = AnswerParts.datagrams(of: [UInt8](repeating: 1, count: 1000), id: 1, datagram: 512)
        let two = AnswerParts.datagrams(of: [UInt8](repeating: 1, count: 1000), id: 2, datagram: 512)
        var assembly = AnswerAssembly(maximum: 1000)
        #expect(try assembly.take(AnswerParts(one[0])) == nil)
        #expect(try assembly.take(AnswerParts(one[0])) == nil)
        #expect(throws: AnswerParts.Fault.contradiction) { try assembly.take(AnswerParts(two[1])) }
        var small = AnswerAssembly(maximum: 999)
        #expect(throws: AnswerParts.Fault.tooLong(total: 1000, allowed: 999)) { try small.take(AnswerParts(one[0])) }
        #expect(throws: AnswerParts.Fault.notParts) { try AnswerParts([1, 2, 3]) }
        #expect(throws: AnswerParts.Fault.truncated(bytes: 20)) { try AnswerParts(Array(one[0].prefix(20))) }
        var bad = one[0]
        bad[9] = 0
        #expect(throws: AnswerParts.Fault.number(part: 0, parts: 0)) { try AnswerParts(bad) }
        bad = one[0]
        bad[20] = 1
        #expect(throws: AnswerParts.Fault.self) { try AnswerParts(bad) }
    }
}
