import Foundation
import Splitting
import Testing

/// What the fuzzer of the decoder begins with: without messages it would take long to find one.
@Suite struct FuzzCorpusTests {
    private static let directory = ProcessInfo.processInfo.environment["ANABRANCH_CORPUS"]

    /// Writes messages of all kinds as the fuzzer takes them: the size of a piece, the kind, the body; and whole streams
    /// behind a number that is above all kinds.
    @Test(.enabled(if: directory != nil)) func messagesOfAllKindsAreWritten() throws {
        let directory = URL(fileURLWithPath: try #require(Self.directory), isDirectory: true)
        var source = MessageSource(seed: 5)
        source.longest = 100
        for kind in MessageSource.kinds {
            for number in 0..<10 {
                let frame = try source.message(kind).encoded()
                let body = [UInt8(1 + 25 * number), kind.rawValue] + frame[LinkFrame.headerLength...]
                try Data(body).write(to: directory.appendingPathComponent("\(kind)-\(number)"))
            }
        }
        let stream = try (0..<4).flatMap { _ in try source.message().encoded() }
        try Data([64, 255] + stream).write(to: directory.appendingPathComponent("stream"))
    }
}
