import Configuration
import Foundation
import Hosting
import Testing

@testable import Node

@Suite struct NodeProgramTests {
    @Test func theCommandLineIsReadAsDocumented() {
        #expect(ServiceArguments(["--config", "f"]) == .run(file: "f"))
        #expect(ServiceArguments(["--config=f", "--check"]) == .check(file: "f"))
        #expect(ServiceArguments(["--help"]) == .help)
        #expect(ServiceArguments(["--version"]) == .version)
        #expect(ServiceArguments([]) == .wrong("--config FILE is missing"))
        #expect(ServiceArguments(["--config"]) == .wrong("--config needs a file"))
        #expect(ServiceArguments(["--chek"]) == .wrong("unknown argument '--chek'"))
    }

    @Test func checkSaysByItsStatusWhetherTheFileIsGood() throws {
        let path = NSTemporaryDirectory() + "ab-\(UUID().uuidString).json"
        defer { try? FileManager.default.removeItem(atPath: path) }
        func check(_ text: String) throws -> Int32 {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            return NodeProgram.run(["anabranch-node", "--config", path, "--check"])
        }
        #expect(try check("{name: \"n\", links: {key_file: \"/k\"}}") == 0)
        #expect(try check("{name: \"n\", links: {}}") == 1)
        #expect(NodeProgram.run(["anabranch-node"]) == 2)
    }

    @Test func whatTakesARestartIsSaid() throws {
        let key = try KeyFile()
        let old = try key.configuration("n1")
        #expect(old.keysThatNeedARestart(since: old) == [])
        var new = try key.configuration("n2", "priority_queue_size: 3, workers: 2, memory: {max_jobs: 1}")
        new.links.port = 5
        new.metrics.port = 5
        #expect(new.keysThatNeedARestart(since: old) == ["name", "links", "workers", "memory.max_jobs", "metrics"])
    }
}
