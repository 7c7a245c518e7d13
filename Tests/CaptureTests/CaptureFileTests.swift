import Capture
import Glibc
import PacketBuilding
import Testing
import Wire

/// A file that is gone when the test is over.
final class TemporaryFile {
    let path = "/tmp/ab-capture-\(getpid())-\(UInt64.random(in: 0...UInt64.max)).pcap"

    init(_ bytes: [UInt8] = []) {
        guard let file = unsafe fopen(path, "w") else { return }
        unsafe fwrite(bytes, 1, bytes.count, file)
        unsafe fclose(file)
    }

    deinit { unsafe unlink(path) }
}

/// A pcap file of one frame.
private func captureFile(linkType: UInt32, frame: [UInt8], wireLength: Int? = nil) -> TemporaryFile {
    func word(_ value: UInt32) -> [UInt8] { [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: value >> $0) } }
    var bytes = hex("d4c3b2a1 02000400 00000000 00000000 ffff0000") + word(linkType)
    bytes += word(1_700_000_000) + word(250_000) + word(UInt32(frame.count))
    bytes += word(UInt32(wireLength ?? frame.count)) + frame
    return TemporaryFile(bytes)
}

private func firstFrame(_ file: TemporaryFile) throws -> CapturedFrame {
    try #require(try CaptureReader.frames(ofFile: file.path).first)
}

private let packet = PacketBuilder(from: "10.0.0.1", to: "10.0.0.2").udp(from: 1, to: 2, payload: [1, 2, 3])
private let addresses = [UInt8](repeating: 2, count: 12)

/// A link-layer header and what is behind it.
struct Link: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var type: UInt32
    var header: [UInt8]
    var content: FrameContent = .ip
}

@Suite struct CaptureFileTests {
    @Test(arguments: [
        Link(testDescription: "Ethernet", type: 1, header: addresses + hex("0800")),
        Link(testDescription: "802.1Q", type: 1, header: addresses + hex("8100 0064 0800")),
        Link(testDescription: "802.1ad over 802.1Q", type: 1, header: addresses + hex("88a8 0064 8100 0065 86dd")),
        Link(testDescription: "three tags", type: 1, header: addresses + hex("9100 0001 8100 0002 8100 0003 0800")),
        Link(testDescription: "Linux cooked", type: 113, header: zeros(14) + hex("0800")),
        Link(testDescription: "Linux cooked, tagged", type: 113, header: zeros(14) + hex("8100 0001 0800")),
        Link(testDescription: "Linux cooked 2", type: 276, header: hex("0800") + zeros(18)),
        Link(testDescription: "raw IP", type: 101, header: []),
        Link(testDescription: "raw IPv4", type: 228, header: []),
        Link(testDescription: "raw IPv6", type: 229, header: []),
        Link(testDescription: "null, little-endian", type: 0, header: hex("02000000")),
        Link(testDescription: "null, IPv6 of FreeBSD", type: 0, header: hex("1c000000")),
        Link(testDescription: "loop", type: 108, header: hex("0000001e")),
        Link(
            testDescription: "ARP", type: 1, header: addresses + hex("0806"),
            content: .otherProtocol(etherType: 0x0806)),
        Link(testDescription: "802.3", type: 1, header: addresses + hex("0026"), content: .llc),
        Link(
            testDescription: "AppleTalk on loop", type: 108, header: hex("00000010"),
            content: .otherProtocol(etherType: 0)),
    ])
    func theLinkLayerIsTakenOff(_ link: Link) throws {
        let frame = try firstFrame(captureFile(linkType: link.type, frame: link.header + packet))
        #expect(frame.content == link.content)
        #expect(frame.bytes == packet)
        #expect(frame.wireLength == packet.count)
        #expect(frame.number == 1)
        #expect(frame.timestamp == 1_700_000_000_250_000_000)
    }

    @Test(arguments: [(UInt32(1), 13), (1, 0), (113, 15), (276, 19), (0, 3)])
    func aCutLinkHeaderIsReported(_ type: UInt32, _ length: Int) throws {
        let frame = try firstFrame(captureFile(linkType: type, frame: zeros(length), wireLength: 100))
        #expect(frame.content == .truncatedLinkHeader)
    }

    @Test func aTagCutInTheMiddleIsReported() throws {
        let frame = try firstFrame(captureFile(linkType: 1, frame: addresses + hex("8100 00"), wireLength: 100))
        #expect(frame.content == .truncatedLinkHeader)
    }

    @Test func bytesThatWereNotCapturedStillCount() throws {
        let frame = try firstFrame(
            captureFile(linkType: 1, frame: addresses + hex("0800") + packet.prefix(24), wireLength: 14 + packet.count))
        #expect(frame.bytes.count == 24)
        #expect(frame.wireLength == packet.count)
        #expect(parseError(frame.bytes, wireLength: frame.wireLength) == .beyondCapture)
    }

    @Test func whatIsWrittenIsReadAgain() throws {
        let file = TemporaryFile()
        var writer = try CaptureWriter(path: file.path)
        try writer.write(packet, timestamp: 1_700_000_000_123_456_789)
        try writer.write(Array(packet.prefix(20)), wireLength: packet.count, timestamp: 5)
        try writer.write([])
        try writer.close()
        let frames = try CaptureReader.frames(ofFile: file.path)
        #expect(frames.map(\.number) == [1, 2, 3])
        #expect(frames.map(\.timestamp) == [1_700_000_000_123_456_789, 5, 0])
        #expect(frames.map(\.bytes) == [packet, Array(packet.prefix(20)), []])
        #expect(frames.map(\.wireLength) == [packet.count, packet.count, 0])
    }

    @Test func aPcapngFileIsRead() throws {
        // Section header, interface description (raw IP), and one enhanced packet.
        let padded = packet + zeros((4 - packet.count % 4) % 4)
        let length = UInt8(32 + padded.count)
        var bytes = hex("0a0d0d0a 1c000000 4d3c2b1a 01000000 ffffffffffffffff 1c000000")
        bytes += hex("01000000 14000000 65000000 00000000 14000000")
        bytes += hex("06000000") + [length, 0, 0, 0] + zeros(12)
        bytes += [UInt8(packet.count), 0, 0, 0, UInt8(packet.count), 0, 0, 0] + padded + [length, 0, 0, 0]
        #expect(try firstFrame(TemporaryFile(bytes)).bytes == packet)
    }

    @Test func aFileThatCannotBeOpenedIsNamed() {
        let path = "/nonexistent/trace.pcap"
        let error = #expect(throws: CaptureError.self) { try CaptureReader.frames(ofFile: path) }
        #expect(error?.description == "\(path): cannot open the capture: No such file or directory")
        let writing = #expect(throws: CaptureError.self) { _ = try CaptureWriter(path: path) }
        #expect(writing?.description == "\(path): cannot write the capture: No such file or directory")
    }

    @Test func aFileThatIsNoCaptureIsRefused() {
        let file = TemporaryFile(Array("not a capture file at all".utf8))
        let error = #expect(throws: CaptureError.self) { try CaptureReader.frames(ofFile: file.path) }
        guard case .cannotOpen(file.path, _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func anUnknownLinkTypeIsNamed() {
        let file = captureFile(linkType: 105, frame: packet)
        #expect(throws: CaptureError.unsupportedLinkType(file: file.path, linkType: "IEEE802_11")) {
            try CaptureReader.frames(ofFile: file.path)
        }
    }

    @Test func aFileThatBreaksOffGivesThePacketsBefore() throws {
        let whole = TemporaryFile()
        var writer = try CaptureWriter(path: whole.path)
        try writer.write(packet)
        try writer.write(packet)
        try writer.close()
        #expect(unsafe truncate(whole.path, off_t(24 + 2 * (16 + packet.count) - 1)) == 0)
        var reader = try CaptureReader(path: whole.path)
        #expect(try reader.next()?.bytes == packet)
        do throws(CaptureError) {
            _ = try reader.next()
            Issue.record("the cut packet was read")
        } catch {
            guard case .cannotRead(whole.path, 1, _) = error else {
                Issue.record("\(error)")
                return
            }
        }
    }

    @Test func aFullDiskIsReported() throws {
        guard unsafe access("/dev/full", W_OK) == 0 else { return }
        var writer = try CaptureWriter(path: "/dev/full")
        let error = CaptureError.cannotWrite(file: "/dev/full", reason: "No space left on device")
        #expect(throws: error) { try writer.write(zeros(10_000)) }
    }
}

private func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }
