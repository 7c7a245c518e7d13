import Hosting
import Testing
import Wire

@testable import Control
@testable import NodeLinks
@testable import Splitter
@testable import Splitting

struct SplittingMetricsTests {
    private func node(_ name: String, predicted: Double?, roundTrip: UInt32?) -> SplitReport.Node {
        SplitReport.Node(
            name: name, address: Endpoint("192.0.2.1:9470")!, isLinked: roundTrip != nil, isAlive: roundTrip != nil,
            isPassedOver: roundTrip != nil, row: nil, inFlight: 0, window: 4, predictedLoad: predicted,
            roundTrip: roundTrip, bytesIn: 0, bytesOut: 0,
            reconnects: 0)
    }

    private var lines: Set<Substring> {
        var counters = SplitCounters()
        counters.retriesPerChunk = [90, 5, 0, 1, 0, 0, 0, 0, 2]
        counters.retries = 5 + 3 + 17
        var refusals = RefusalCounts()
        refusals[.wrongKey] = 3
        let report = SplitReport(
            counters: counters, jobs: 1, jobBytes: 2, originals: 3, collecting: 0, collectedBytes: 0, waitingAnswers: 4,
            waitingAnswerBytes: 5, strays: 0,
            unsent: 0, refusals: refusals,
            nodes: [node("b1", predicted: 0.25, roundTrip: 1500), node("b2", predicted: nil, roundTrip: nil)],
            traces: [])
        var page = MetricsText()
        ControlPlane.splitting(&page, report)
        return Set(page.text.split(separator: "\n"))
    }

    @Test func theRetriesOfChunksAreAHistogram() {
        for (bound, count) in [("0", 90), ("1", 95), ("2", 95), ("3", 96), ("7", 96), ("+Inf", 98)] {
            #expect(lines.contains("anabranch_chunk_retries_bucket{of=\"chunks\",le=\"\(bound)\"} \(count)"))
        }
        #expect(lines.contains("anabranch_chunk_retries_sum{of=\"chunks\"} 25"))
        #expect(lines.contains("anabranch_chunk_retries_count{of=\"chunks\"} 98"))
    }

    @Test func whatIsKnownOfANodeIsThereAndNothingElse() {
        #expect(lines.contains("anabranch_node_predicted_load_ratio{node=\"b1\"} 0.25"))
        #expect(lines.contains("anabranch_node_round_trip_seconds{node=\"b1\"} 0.0015"))
        #expect(lines.contains("anabranch_node_passed_over{node=\"b1\"} 1"))
        #expect(lines.contains("anabranch_node_passed_over{node=\"b2\"} 0"))
        #expect(!lines.contains { $0.hasPrefix("anabranch_node_predicted_load_ratio{node=\"b2\"}") })
        #expect(!lines.contains { $0.hasPrefix("anabranch_node_round_trip_seconds{node=\"b2\"}") })
    }

    @Test func answersThatWaitAreThere() { #expect(lines.contains("anabranch_answers_waiting 4")) }

    @Test func everyRefusalOfALinkHasItsReason() {
        for reason in LinkRefusal.allCases {
            let count = reason == .wrongKey ? 3 : 0
            #expect(lines.contains("anabranch_link_refusals_total{reason=\"\(reason.name)\"} \(count)"))
        }
    }
}
