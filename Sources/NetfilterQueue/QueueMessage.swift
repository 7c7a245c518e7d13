import CNetfilterQueue

/// A packet as the kernel hands it over.
struct PacketMessage: Equatable {
    /// Names the packet in the verdict; grows by one with each packet of the queue.
    var id: UInt32 = 0
    /// Where the packet begins in the datagram.
    var payloadOffset = 0
    /// Bytes that were copied.
    var payloadLength = 0
    /// The packet's whole length in bytes.
    var wireLength = 0
    /// The kernel joined several packets into this one (GSO).
    var aggregate = false
    /// The firewall mark that it has, host byte order.
    var mark: UInt32 = 0
    /// Index of the device that it came by; 0 if the kernel does not say.
    var device: UInt32 = 0
    /// The hardware address of the frame it came in, in the low 48 bits, first byte highest; 0 if it has no such.
    var sender: UInt64 = 0
}

/// One netlink message of a datagram.
enum QueueMessage: Equatable {
    /// A packet waits for a verdict.
    case packet(PacketMessage)
    /// The kernel's answer to our message with that sequence number: 0 for done, else an errno value.
    case answer(sequence: UInt32, code: Int32)
    /// Something that this program does not use.
    case other
    /// The bytes are no whole netlink message: nothing behind them can be read.
    case broken

    /// Reads the message at the beginning of `bytes` from `offset` on and moves the offset to the next one.
    @inline(__always)
    static func read(_ bytes: RawSpan, at offset: inout Int) -> QueueMessage {
        let remaining = bytes.byteCount - offset
        guard remaining >= NetlinkFormat.headerLength else {
            offset = bytes.byteCount
            return .broken
        }
        let length = Int(bytes.load32(offset))
        guard length >= NetlinkFormat.headerLength, length <= remaining else {
            offset = bytes.byteCount
            return .broken
        }
        let start = offset
        offset = min(bytes.byteCount, start + (length + 3) & ~3)
        let end = start + length
        let type = bytes.load16(start + 4)
        if type == NetlinkFormat.typePacket {
            return readPacket(bytes, from: start + NetlinkFormat.headerLength, to: end)
        }
        guard type == NetlinkFormat.typeError else { return .other }
        // struct nlmsgerr: the negated errno value, then the header of the message it answers.
        guard length >= NetlinkFormat.headerLength + 4 + NetlinkFormat.headerLength else { return .broken }
        let code = Int32(bitPattern: bytes.load32(start + NetlinkFormat.headerLength))
        let sequence = bytes.load32(start + NetlinkFormat.headerLength + 4 + 8)
        return .answer(sequence: sequence, code: 0 &- code)
    }

    @inline(__always)
    private static func readPacket(_ bytes: RawSpan, from start: Int, to end: Int) -> QueueMessage {
        // Single values instead of a half-filled struct: they stay in registers.
        var id: UInt32 = 0
        var hasID = false
        var payloadOffset = 0
        var payloadLength = 0
        var capturedLength = 0
        var information: UInt32 = 0
        var mark: UInt32 = 0
        var device: UInt32 = 0
        var sender: UInt64 = 0
        var offset = start + NetlinkFormat.familyHeaderLength
        while end - offset >= NetlinkFormat.attributeHeaderLength {
            let length = Int(bytes.load16(offset))
            guard length >= NetlinkFormat.attributeHeaderLength, length <= end - offset else { return .broken }
            let value = offset + NetlinkFormat.attributeHeaderLength
            let size = length - NetlinkFormat.attributeHeaderLength
            switch bytes.load16(offset + 2) & NetlinkFormat.attributeTypeMask {
            case UInt16(NFQA_PACKET_HDR.rawValue) where size >= 7:
                id = UInt32(bigEndian: bytes.load32(value))
                hasID = true
            case UInt16(NFQA_PAYLOAD.rawValue):
                payloadOffset = value
                payloadLength = size
            case UInt16(NFQA_CAP_LEN.rawValue) where size == 4:
                capturedLength = Int(UInt32(bigEndian: bytes.load32(value)))
            case UInt16(NFQA_SKB_INFO.rawValue) where size == 4:
                information = UInt32(bigEndian: bytes.load32(value))
            case UInt16(NFQA_MARK.rawValue) where size == 4:
                mark = UInt32(bigEndian: bytes.load32(value))
            case UInt16(NFQA_IFINDEX_INDEV.rawValue) where size == 4:
                device = UInt32(bigEndian: bytes.load32(value))
            case UInt16(NFQA_HWADDR.rawValue) where size >= 10 && bytes.load16(value) == UInt16(6).bigEndian:
                // struct nfqnl_msg_packet_hw: length, two bytes of nothing, the address.
                sender =
                    UInt64(UInt32(bigEndian: bytes.load32(value + 4))) << 16
                    | UInt64(UInt16(bigEndian: bytes.load16(value + 8)))
            default:
                break
            }
            offset += (length + 3) & ~3
        }
        guard hasID else { return .broken }
        return .packet(
            PacketMessage(
                id: id, payloadOffset: payloadOffset, payloadLength: payloadLength,
                wireLength: max(capturedLength, payloadLength),
                aggregate: information & UInt32(NFQA_SKB_GSO) != 0, mark: mark, device: device, sender: sender))
    }
}
