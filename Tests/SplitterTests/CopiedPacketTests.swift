import Testing
import Wire

@testable import NetfilterQueue
@testable import Splitter

/// Which packets of the full-copy queue may be split at all.
@Suite("Packets that may be split")
struct CopiedPacketTests {
    private static let builders = [
        PacketBuilder(from: "192.0.2.1", to: "10.0.0.100"), PacketBuilder(from: "2001:db8::1", to: "fd00::100"),
    ]

    /// What the splitting thread makes of a packet of which so many bytes were copied.
    private func splittable(_ packet: [UInt8], copied: Int? = nil, isAggregate: Bool = false) -> Packet? {
        let bytes = Array(packet.prefix(copied ?? packet.count))
        let message = CopiedPacket(wireLength: packet.count, isAggregate: isAggregate, sender: 0)
        return unsafe message.splittable(bytes.span.bytes)
    }

    @Test(arguments: [0, 1]) func anAggregateIsNeverSplit(family: Int) {
        let packet = Self.builders[family].udp(from: 4000, to: 9000, payload: [UInt8](repeating: 7, count: 14_000))
        #expect(splittable(packet)?.payloadLength == 14_000)
        #expect(splittable(packet, isAggregate: true) == nil)
    }

    /// The longest packets are 65,535 bytes (IPv4), and the queue copies 65,531.
    @Test(arguments: [0, 1]) func whatWasNotCopiedToItsEndIsNeverSplit(family: Int) {
        let headers = family == 0 ? 28 : 48
        let packet = Self.builders[family].udp(
            from: 4000, to: 9000, payload: [UInt8](repeating: 7, count: 65_535 - headers))
        #expect(splittable(packet) != nil)
        for copied in [65_534, 65_531, 2_000, headers, 20, 0] { #expect(splittable(packet, copied: copied) == nil) }
    }

    /// The same as the kernel's messages say it.
    @Test func theKernelsMarksForBothAreRead() throws {
        let packet = Self.builders[0].udp(from: 4000, to: 9000, payload: [UInt8](repeating: 7, count: 9_000))
        for (isAggregate, range) in [(false, 65_531), (true, 65_531), (false, 9_000)] {
            let datagram = PacketDatagram(id: 1, queue: 0, packet: packet, aggregate: isAggregate)
                .encoded(copyRange: range)
            var offset = 0
            guard case .packet(let read) = unsafe QueueMessage.read(datagram.span.bytes, at: &offset) else {
                Issue.record("no packet")
                return
            }
            let message = CopiedPacket(wireLength: read.wireLength, isAggregate: read.aggregate, sender: read.sender)
            let bytes = datagram[read.payloadOffset..<read.payloadOffset + read.payloadLength]
            let found = unsafe message.splittable(Array(bytes).span.bytes)
            #expect((found != nil) == (!isAggregate && range > packet.count))
        }
    }

    @Test func onlyUDPIsSplit() {
        for builder in Self.builders {
            #expect(splittable(builder.tcp(from: 4000, to: 9000, payload: [UInt8](repeating: 7, count: 9_000))) == nil)
            #expect(splittable(builder.packet(transport: 132, body: [UInt8](repeating: 7, count: 9_000))) == nil)
        }
        #expect(splittable([UInt8](repeating: 0x45, count: 9_000)) == nil)
    }
}
