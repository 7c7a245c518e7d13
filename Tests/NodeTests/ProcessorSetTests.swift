import ChunkProcessing
import Configuration
import Foundation
import Splitting
import Testing

@testable import Node

@Suite(.serialized) struct ProcessorSetTests {
    /// Answers, and then neither the end of its input nor SIGTERM makes it go.
    private static let stubborn = """
        import signal, struct, sys, time
        signal.alarm(60)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        inp, out = sys.stdin.buffer, sys.stdout.buffer
        while True:
            head = inp.read(4)
            if len(head) < 4: time.sleep(1); continue
            tag = struct.unpack('>BBHQ', inp.read(struct.unpack('>I', head)[0])[:12])[3]
            out.write(struct.pack('>IBBHQ', 12, 1, 0, 0, tag)); out.flush()
        """

    private func configuration(_ processors: String) throws -> NodeConfiguration {
        let key = try KeyFile()
        var configuration = try key.configuration(
            "n1", "processors: {\(processors)}, request_types: {t: {processor: \"a\"}}")
        for index in configuration.processors.indices where configuration.processors[index].kind == .exec {
            configuration.processors[index].command = ["/usr/bin/python3", "-c", Self.stubborn]
        }
        return configuration
    }

    /// Threads of this process that read what children complain of.
    private var readers: Int {
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
        return tasks.count { task in
            (try? String(contentsOfFile: "/proc/self/task/\(task)/comm", encoding: .utf8)) == "exec-errors\n"
        }
    }

    @Test func aSetThatCannotBeMadeLeavesNothingBehind() throws {
        let exec = "{kind: \"exec\", command: [\"/bin/cat\"]}"
        var configuration = try configuration(
            "a: \(exec), b: \(exec), faulty: {kind: \"socket\", address: \"tcp:127.0.0.1:9\"}")
        let faulty = try #require(configuration.processors.firstIndex { $0.name == "faulty" })
        configuration.processors[faulty].address = "nowhere"
        #expect(faulty == 2)
        let before = readers
        for _ in 0..<20 {
            #expect(throws: ProcessorError.self) {
                try ProcessorSet(configuration, workers: 1, linked: [:], endings: ProcessorEndings())
            }
        }
        // Each try would leave two.
        #expect(readers < before + 20)
    }

    /// The last reference may be the loop's: children that do not go must not hold it up.
    @Test func forgettingASetWaitsForNobody() async throws {
        let configuration = try configuration("a: {kind: \"exec\", command: [\"/bin/cat\"]}")
        let endings = ProcessorEndings()
        var set: ProcessorSet? = try ProcessorSet(configuration, workers: 1, linked: [:], endings: endings)
        let chunk = ChunkWork(terms: TestJob([[1]], type: "t").terms, index: 0, replica: 0, payload: [1])
        #expect(try set?.plan(for: "t")?.processor.process(chunk, WorkLimit(.seconds(20))) == [])
        let forgetting = ContinuousClock().measure { set = nil }
        let waiting = ContinuousClock().measure { endings.wait() }
        #expect(forgetting < .milliseconds(500) && waiting > .milliseconds(500), "\(forgetting), \(waiting)")
    }
}
