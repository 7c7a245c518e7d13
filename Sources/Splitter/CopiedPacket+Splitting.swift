import NetfilterQueue
import Wire

extension CopiedPacket {
    /// The UDP packet in these bytes if it may be split, or may be part of what is split; nil for all that goes the
    /// ordinary way.
    ///
    /// An aggregate is several payloads: ten datagrams of 1,400 bytes look like one of 14,000. One whose end was not
    /// copied, for the queue hands over 65,531 bytes at most, is no payload.
    func splittable(_ bytes: RawSpan) -> Packet? {
        guard !isAggregate, bytes.byteCount >= wireLength,
            let packet = try? Packet(parsing: bytes, wireLength: wireLength), packet.transport == TransportProtocol.udp
        else { return nil }
        return packet
    }
}
