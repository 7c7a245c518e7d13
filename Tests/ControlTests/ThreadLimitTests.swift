import Configuration
import Dataplane
import Testing
import Tracking

@testable import Control

/// What the check of a file lets pass, the tables have room for.
struct ThreadLimitTests {
    @Test(arguments: ["\"auto\"", "62"]) func theTablesTakeTheThreadsOfAsManyQueuesAsThereMayBe(count: String) throws {
        let file = try Configuration.parse(text: "{ queues: { count: \(count) } }", file: "f")
        let queues = file.queueSettings(cores: Array(0..<300))
        #expect(queues.count == 62)
        // The splitting thread is one more, and the control plane, which looks into the table of flows, another.
        _ = try FragmentTracking(file.fragmentLimits(workers: queues.count + 1))
        _ = try FlowTracking(file.flowLimits(workers: queues.count + 2, backends: 16))
        #expect(throws: TrackingError.self) {
            _ = try FlowTracking(file.flowLimits(workers: queues.count + 3, backends: 16))
        }
    }

    @Test func everyCoreHasAQueueUpToThere() throws {
        let file = try Configuration.parse(text: "{}", file: "f")
        for cores in [1, 2, 61, 62, 63, 64, 65, 300] {
            #expect(file.queueSettings(cores: Array(0..<cores)).count == min(cores, 62))
        }
    }
}
