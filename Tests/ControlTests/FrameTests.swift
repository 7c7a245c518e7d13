import JSONText
import Testing

@testable import Control

struct FrameTests {
    @Test func framesSurviveAnyCuttingOfTheStream() throws {
        var random = Seeded(state: 11)
        for _ in 0..<500 {
            let bodies = (0..<Int.random(in: 1...5, using: &random)).map { _ in
                (0..<Int.random(in: 1...300, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            }
            var stream = bodies.flatMap { Frame.encode($0) }[...]
            var decoder = FrameDecoder(limit: 300)
            var got: [[UInt8]] = []
            while !stream.isEmpty {
                let piece = stream.prefix(Int.random(in: 1...97, using: &random))
                decoder.append(piece)
                stream = stream.dropFirst(piece.count)
                while let body = try decoder.next() { got.append(body) }
            }
            #expect(got == bodies)
            #expect(!decoder.isInside)
        }
    }

    @Test func anyBytesAreEitherFramesOrRefused() {
        var random = Seeded(state: 12)
        var refused = 0
        for _ in 0..<5000 {
            var decoder = FrameDecoder(limit: 64)
            decoder.append(
                (0..<Int.random(in: 0...200, using: &random)).map { _ in
                    UInt8.random(in: 0...(Bool.random(using: &random) ? 3 : 255), using: &random)
                })
            do throws(FrameError) {
                while let body = try decoder.next() { #expect((1...64).contains(body.count)) }
            } catch {
                refused += 1
            }
        }
        #expect(refused > 1000)
    }

    @Test func fourGigabytesAreRefusedByTheirLengthAlone() {
        var decoder = FrameDecoder(limit: Frame.maximumRequest)
        decoder.append([0xFF, 0xFF, 0xFF, 0xFF])
        #expect(throws: FrameError.tooLong(length: 4_294_967_295, limit: 65_536)) { try decoder.next() }
    }

    @Test func requestsReadBackAsTheyWereWritten() throws {
        let request = ControlRequest(["backend", "weight"], ["backend": "web/a", "weight": 5])
        let read = try ControlRequest(body: request.body)
        #expect(read.command == request.command)
        #expect(read.arguments == request.arguments)
    }

    @Test(arguments: [
        "", "{", "[]", "{\"version\":1}", "{\"version\":1,\"command\":[]}", "{\"version\":1,\"command\":[1]}",
        "{\"version\":1,\"command\":[\"a\"],\"arguments\":[]}", "{\"version\":2,\"command\":[\"a\"]}", "\u{0}",
    ])
    func whatIsNoRequestIsRefused(text: String) {
        #expect(throws: ControlError.self) { try ControlRequest(body: Array(text.utf8)) }
    }

    @Test func deepNestingIsRefusedWithoutRecursion() {
        let deep = String(repeating: "[", count: 30_000)
        let text = "{\"version\":1,\"command\":[\"a\"],\"arguments\":{\"x\":\(deep)"
        #expect(throws: ControlError.self) { try ControlRequest(body: Array(text.utf8)) }
    }

    @Test func answersReadBackAsTheyWereWritten() {
        guard case .data(let data)? = ControlAnswer(body: ControlAnswer.data(["a": [1, 2, "x"]]).body) else {
            Issue.record("no answer")
            return
        }
        #expect(data == ["a": [1, 2, "x"]])
        let error = ControlError("code", "message \"quoted\"")
        guard case .error(let read)? = ControlAnswer(body: ControlAnswer.error(error).body) else {
            Issue.record("no answer")
            return
        }
        #expect(read == error)
    }
}
