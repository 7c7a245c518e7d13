import Testing

@testable import NetfilterQueue

private func message(of datagram: [UInt8], at offset: inout Int) -> QueueMessage {
    // SAFETY: bytes of an array are initialized.
    QueueMessage.read(unsafe datagram.span.bytes, at: &offset)
}

@Suite("Netlink messages of a queue")
struct QueueMessageTests {
    @Test func aPacketIsReadWithItsIdAndItsLengths() throws {
        var datagram = PacketDatagram(id: 0xDEAD_BEEF, queue: 7, packet: [UInt8](repeating: 0x45, count: 1400))
        let whole = datagram.encoded(copyRange: 2000)
        var offset = 0
        guard case .packet(let packet) = message(of: whole, at: &offset) else {
            Issue.record("no packet")
            return
        }
        #expect(packet.id == 0xDEAD_BEEF)
        #expect(packet.payloadLength == 1400 && packet.wireLength == 1400 && !packet.aggregate)
        #expect(Array(whole[packet.payloadOffset...].prefix(1400)) == datagram.packet)
        #expect(offset == whole.count)

        datagram.aggregate = true
        let cut = datagram.encoded(copyRange: 256)
        offset = 0
        guard case .packet(let packet) = message(of: cut, at: &offset) else {
            Issue.record("no packet")
            return
        }
        #expect(packet.payloadLength == 256 && packet.wireLength == 1400 && packet.aggregate)
    }

    @Test func severalMessagesInOneDatagramAreAllRead() {
        let one = PacketDatagram(id: 1, queue: 0, packet: [0x45, 1, 2]).encoded(copyRange: 99)
        let two = PacketDatagram(id: 2, queue: 0, packet: [0x45, 3, 4]).encoded(copyRange: 99)
        let both = one + [UInt8](repeating: 0, count: (4 - one.count % 4) % 4) + two
        var offset = 0
        var ids: [UInt32] = []
        while offset < both.count {
            guard case .packet(let packet) = message(of: both, at: &offset) else { break }
            ids.append(packet.id)
        }
        #expect(ids == [1, 2])
    }

    @Test func aRefusalNamesItsRequestAndItsReason() {
        // struct nlmsghdr (length 36, NLMSG_ERROR), -ENOENT, then the header of the message with sequence 77.
        let bytes: [UInt8] =
            [36, 0, 0, 0, 2, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0] + [0xFE, 0xFF, 0xFF, 0xFF]
            + [40, 0, 0, 0, 1, 3, 1, 0, 77, 0, 0, 0, 0, 0, 0, 0]
        var offset = 0
        #expect(message(of: bytes, at: &offset) == .answer(sequence: 77, code: 2))
    }

    @Test func aCutMessageIsNeverTakenForAPacketBeyondItsBytes() {
        let whole = PacketDatagram(id: 1, queue: 0, packet: [UInt8](repeating: 0x60, count: 100), aggregate: true)
            .encoded(copyRange: 64)
        for length in 0..<whole.count {
            let cut = Array(whole.prefix(length))
            var offset = 0
            #expect(message(of: cut, at: &offset) == .broken)
            #expect(offset == cut.count)
        }
    }

    @Test func noBytesMakeTheReaderLeaveItsBounds() {
        let whole = PacketDatagram(id: 1, queue: 0, packet: [UInt8](repeating: 0x45, count: 100)).encoded(copyRange: 64)
        var random = SeededGenerator(state: 11)
        for _ in 0..<100_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            var offset = 0
            while offset < bytes.count {
                let before = offset
                if case .packet(let packet) = message(of: bytes, at: &offset) {
                    #expect(packet.payloadOffset + packet.payloadLength <= bytes.count)
                    #expect(packet.wireLength >= packet.payloadLength)
                }
                #expect(offset > before)
            }
        }
    }

    @Test func theKernelsTableOfQueuesIsRead() {
        let line: Substring = "    3   4711    12 2   256     5     9      12345  1"
        let queue = KernelQueue(line: line)
        #expect(queue?.number == 3 && queue?.portID == 4711 && queue?.waiting == 12 && queue?.copyRange == 256)
        #expect(queue?.droppedFull == 5 && queue?.droppedBuffer == 9 && queue?.lastID == 12345)
        #expect(KernelQueue(line: "no queue") == nil)
    }
}
