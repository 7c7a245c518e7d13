import ChunkProcessing
import Foundation
import Splitting
import Synchronization
import Testing

@Suite(.serialized) struct ExecTests {
    /// What the child answers, as text, or why there is none.
    private static func ask(
        _ processor: ExecProcessor, _ payload: String, _ limit: Duration = .seconds(20)
    ) async -> Result<String, ProcessorError> {
        await onThread {
            Result { () throws(ProcessorError) in
                String(
                    decoding: try processor.process(work(Array(payload.utf8)), WorkLimit(limit)), as: UTF8.self)
            }
        }
    }

    @Test func aChildLivesForManyChunks() async throws {
        let processor = try ExecProcessor("test", TestChild.settings())
        defer { processor.stop() }
        let first = try await Self.ask(processor, "P").get()
        for _ in 0..<20 { #expect(try await Self.ask(processor, "P").get() == first) }
        #expect(processor.starts == 1)
        #expect(processor.processes == [pid_t(first)!])
    }

    @Test func theLargestChunkAndMoreThanAPipeHoldsGoThrough() async throws {
        let processor = try ExecProcessor("test", TestChild.settings())
        defer { processor.stop() }
        for size in [1, 65_535, 3 << 20] {
            let payload = [UInt8(ascii: "E")] + bytes(size - 1)
            let result = await onThread { try? processor.process(work(payload), WorkLimit(.seconds(20))) }
            #expect(result == payload)
        }
    }

    @Test func theChildSeesWhoseChunkItIs() async throws {
        let processor = try ExecProcessor("test", TestChild.settings())
        defer { processor.stop() }
        let header = try #require(
            await onThread { try? processor.process(work(Array("M".utf8), index: 2), WorkLimit(.seconds(20))) })
        // Offsets of the documented frame, less the four bytes of its length.
        #expect(header.count == 82 - 4 + 1)
        #expect(Array(header[0..<4]) == [1, 1, 0, 83])
        #expect(Array(header[12..<20]) == [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(Array(header[20..<28]) == [0, 0, 0, 0, 0, 0, 0, 9])
        #expect(Array(header[28..<36]) == [0, 0, 0, 2, 0, 0, 0, 4])
        #expect(Array(header[40..<42]) == [1, 1])
        #expect(Array(header[52..<60]) == [0xFF, 0xFF, 192, 0, 2, 7, 0x10, 0xE1])
        #expect(Array(header[60..<64]) == [0x20, 0x01, 0x0D, 0xB8])
        #expect(Array(header[76...]) == [0, 53, UInt8(ascii: "t")])
        let left = header[36..<40].reduce(0) { $0 << 8 | UInt32($1) }
        #expect((15_000_000...20_000_000).contains(left))
    }

    @Test func theEnvironmentIsClean() async throws {
        unsafe setenv("AB_TEST_SECRET", "x", 1)
        let processor = try ExecProcessor("test", TestChild.settings(environment: ["MODEL=small"]))
        defer { processor.stop() }
        let names = try await Self.ask(processor, "V").get().split(separator: "\n").map { $0.prefix { $0 != "=" } }
        // Python itself adds LC_CTYPE where the locale is C.
        #expect(Set(names).subtracting(["LC_CTYPE"]) == ["PATH", "LANG", "MODEL"])
    }

    @Test func aChunkThatFailsLeavesTheChildAlive() async throws {
        let processor = try ExecProcessor("test", TestChild.settings())
        defer { processor.stop() }
        #expect(await Self.ask(processor, "F") == .failure(.failed("I do not like it")))
        #expect(await Self.ask(processor, "E") == .success("E"))
        #expect(processor.starts == 1)
    }

    @Test func aChildThatHangsIsKilledAndReplaced() async throws {
        let processor = try ExecProcessor("test", TestChild.settings())
        defer { processor.stop() }
        let process = pid_t(try await Self.ask(processor, "P").get())!
        #expect(await Self.ask(processor, "H", .milliseconds(200)) == .failure(.timeLimit))
        #expect(kill(process, 0) == -1 && errno == ESRCH)
        try await Task.sleep(for: .milliseconds(120))
        #expect(await Self.ask(processor, "E") == .success("E"))
        #expect(processor.starts == 2)
    }

    @Test func aChildThatDiesFailsItsChunkAndIsReplaced() async throws {
        let processor = try ExecProcessor("test", TestChild.settings())
        defer { processor.stop() }
        #expect(await Self.ask(processor, "X") == .failure(.unavailable("it ended")))
        try await Task.sleep(for: .milliseconds(120))
        #expect(await Self.ask(processor, "E") == .success("E"))
    }

    /// A program that always dies is not started for each chunk: pauses of 0.1, 0.2, 0.4, 0.8 s lie between.
    @Test func aProgramThatAlwaysDiesIsNotStartedForEachChunk() async throws {
        let processor = try ExecProcessor("test", ExecSettings(command: ["/bin/false"]))
        defer { processor.stop() }
        let begin = ContinuousClock.now
        var asked = 0
        while ContinuousClock.now - begin < .milliseconds(650) || processor.starts < 2 {
            guard case .failure(.unavailable) = await Self.ask(processor, "E") else {
                Issue.record("an answer from nobody")
                return
            }
            asked += 1
            try await Task.sleep(for: .milliseconds(2))
        }
        let pauses = (ContinuousClock.now - begin) / .milliseconds(100)
        #expect(Double(processor.starts) <= 1 + (pauses + 1).squareRoot() + 1 && asked > processor.starts)
    }

    @Test func aChildKilledWhileIdleIsReplaced() async throws {
        let processor = try ExecProcessor("test", TestChild.settings())
        defer { processor.stop() }
        kill(pid_t(try await Self.ask(processor, "P").get())!, SIGKILL)
        // The pause of the first failure; meanwhile chunks fail at once.
        var answers: [Result<String, ProcessorError>] = []
        let end = ContinuousClock.now + .seconds(10)
        while answers.last != .success("E"), ContinuousClock.now < end {
            answers.append(await Self.ask(processor, "E"))
            try await Task.sleep(for: .milliseconds(30))
        }
        #expect(answers.last == .success("E"))
        #expect(processor.starts == 2)
    }

    @Test(arguments: ["G", "L", "B"]) func garbageIsRefusedAndItsChildReplaced(_ what: String) async throws {
        let processor = try ExecProcessor("test", TestChild.settings())
        defer { processor.stop() }
        let answer = await Self.ask(processor, what)
        if what == "B" {
            // The second answer may come with the first, or wait for the next request.
            _ = await Self.ask(processor, "E")
        } else {
            guard case .failure(.garbage) = answer else {
                Issue.record("\(answer)")
                return
            }
        }
        try await Task.sleep(for: .milliseconds(250))
        #expect(await Self.ask(processor, "E") == .success("E"))
    }

    @Test func childrenWorkAtTheSameTime() async throws {
        let processor = try ExecProcessor("test", TestChild.settings(3))
        defer { processor.stop() }
        let answers = await withTaskGroup(of: Result<String, ProcessorError>.self) { group in
            for _ in 0..<12 { group.addTask { await Self.ask(processor, "E") } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers == Array(repeating: .success("E"), count: 12))
        #expect((1...3).contains(processor.starts))
    }

    @Test func whoFindsNoChildFreeWaitsAndGivesUpAtItsLimit() async throws {
        let processor = try ExecProcessor("test", TestChild.settings())
        defer { processor.stop() }
        async let hanging = Self.ask(processor, "H", .milliseconds(400))
        try await Task.sleep(for: .milliseconds(150))
        #expect(await Self.ask(processor, "E", .milliseconds(50)) == .failure(.timeLimit))
        #expect(await hanging == .failure(.timeLimit))
    }

    @Test func resultsAreJoinedByTheChild() async throws {
        let processor = try ExecProcessor("test", TestChild.settings())
        defer { processor.stop() }
        let joined = await onThread {
            try? processor.join([[65], [], [66, 67]], of: terms(total: 3), WorkLimit(.seconds(20)))
        }
        #expect(joined == Array("A++BC".utf8))
    }

    @Test func aProgramThatIsNotThereIsSaid() async throws {
        let processor = try ExecProcessor("test", ExecSettings(command: ["/nonexistent/program"]))
        defer { processor.stop() }
        let text = "cannot start /nonexistent/program: No such file or directory"
        #expect(await Self.ask(processor, "E") == .failure(.unavailable(text)))
    }

    /// A child that says what happened to it, and how it takes that.
    private static func witness(_ behaviour: String, _ path: String) -> ExecSettings {
        let program = """
            import os, signal, sys, threading, time
            signal.alarm(60)
            path = '\(path)'
            def tell(what):
                with open(path, 'a') as f: f.write(what + ' ')
            def terminated(*_):
                tell('term')
                if '\(behaviour)' == 'waits': os._exit(0)
            signal.signal(signal.SIGTERM, terminated)
            def end():
                time.sleep(0.1)
                tell('end')
                if '\(behaviour)' == 'goes': os._exit(0)
                while True: time.sleep(1)
            """
        return ExecSettings(
            command: ["/usr/bin/python3", "-c", program + "\n" + TestChild.program + "\nend()"])
    }

    @Test(arguments: [("goes", "end "), ("waits", "end term "), ("stays", "end term ")])
    func aChildHasTimeToGoAndIsKilledOnlyIfItDoesNot(_ behaviour: String, _ told: String) async throws {
        let path = NSTemporaryDirectory() + "ab-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let processor = try ExecProcessor("test", Self.witness(behaviour, path))
        let process = pid_t(try await Self.ask(processor, "P").get())!
        let took = await onThread { ContinuousClock().measure { processor.stop() } }
        #expect(kill(process, 0) == -1 && errno == ESRCH)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == told)
        #expect(took < (behaviour == "stays" ? .seconds(3) : .seconds(2)))
        if behaviour == "stays" { #expect(took >= .milliseconds(900)) }
    }

    @Test func noChildIsLeftAfterTheEnd() async throws {
        let processor = try ExecProcessor("test", TestChild.settings())
        let process = pid_t(try await Self.ask(processor, "P").get())!
        processor.stop()
        #expect(kill(process, 0) == -1 && errno == ESRCH)
    }
}
