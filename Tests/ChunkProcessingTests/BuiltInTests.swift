import ChunkProcessing
import Foundation
import Splitting
import Testing

@Suite struct BuiltInTests {
    @Test func identityReturnsTheChunk() throws {
        #expect(try IdentityProcessor().process(work([1, 2, 3]), WorkLimit(second)) == [1, 2, 3])
    }

    /// FIPS 180-4's example "abc", and the empty message.
    @Test func sha256IsThatOfTheStandard() throws {
        func hex(_ text: String) throws -> String {
            let digest = try SHA256Processor().process(work(Array(text.utf8)), WorkLimit(second))
            return digest.map { String(format: "%02x", $0) }.joined()
        }
        #expect(try hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(try hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    /// The check value of CRC-32/ISO-HDLC.
    @Test func crc32IsThatOfGzip() throws {
        let processor = CRC32Processor()
        #expect(
            try processor.process(work(Array("123456789".utf8)), WorkLimit(second)) == [0xCB, 0xF4, 0x39, 0x26])
        #expect(try processor.process(work([]), WorkLimit(second)) == [0, 0, 0, 0])
    }

    @Test(arguments: [1, 6, 9]) func concatenatedGzipResultsAreOneStream(level: Int) throws {
        let processor = GzipProcessor(level: level)
        let payload = bytes(60_000)
        let parts = [Array(payload[..<16_384]), Array(payload[16_384..<16_385]), [], Array(payload[16_385...])]
        let results = try parts.map { try processor.process(work($0), WorkLimit(second)) }
        #expect(results[0].count < 16_384)
        #expect(try gunzip(concatenation(of: results)) == payload)
    }

    @Test func gzipLevelsDiffer() throws {
        let text = Array(String(repeating: "a wolf, a goat and a cabbage; ", count: 500).utf8) + bytes(20_000)
        let fast = try GzipProcessor(level: 1).process(work(text), WorkLimit(second))
        let small = try GzipProcessor(level: 9).process(work(text), WorkLimit(second))
        #expect(small.count < fast.count)
    }

    @Test func delayTakesItsTimeForTheChunkAndItsBytes() throws {
        let processor = DelayProcessor(perChunk: .milliseconds(20), perByte: .microseconds(30), then: CRC32Processor())
        let start = WorkLimit.now
        let result = try processor.process(work(bytes(1000)), WorkLimit(second))
        #expect((50_000_000..<500_000_000).contains(WorkLimit.now - start))
        #expect(result.count == 4)
    }

    @Test func delayEndsAtTheLimitAndWhenItIsCancelled() async {
        let processor = DelayProcessor(perChunk: .seconds(30), perByte: .zero)
        #expect(throws: ProcessorError.timeLimit) {
            try processor.process(work([1]), WorkLimit(.milliseconds(30)))
        }
        let limit = WorkLimit(.seconds(30))
        // On threads of their own: the tasks' threads may be busy with other tests for minutes.
        Thread.detachNewThread {
            usleep(50_000)
            limit.cancel()
        }
        let failure = await onThread { () -> ProcessorError? in
            do throws(ProcessorError) {
                _ = try processor.process(work([1]), limit)
                return nil
            } catch {
                return error
            }
        }
        #expect(failure == .cancelled)
    }

    @Test func aProcessorWithoutAJoinOfItsOwnWorksOnTheWholeAnswer() throws {
        let joined = try CRC32Processor().join(
            [Array("1234".utf8), [], Array("56789".utf8)], of: terms(total: 3), WorkLimit(second))
        #expect(joined == [0xCB, 0xF4, 0x39, 0x26])
    }

    /// The program decides what a gzip stream is, not a library that both sides share.
    private func gunzip(_ data: [UInt8]) throws -> [UInt8] {
        let path = NSTemporaryDirectory() + "ab-gzip-\(UUID().uuidString).gz"
        try Data(data).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/gzip")
        process.arguments = ["-dc", path]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let result = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return Array(result)
    }
}
