/// A walk along the extension headers of an IPv6 packet (RFC 8200 §4).
///
/// Ends at the first header that is no extension header (a transport, ESP, no-next-header, or one not known here), or
/// behind the fragment header of a later fragment, where bytes of the middle of a packet follow.
struct HeaderChain {
    /// The kind of header at ``offset``.
    var next: UInt8
    /// Where the walk has got to, in bytes from the start of the span.
    var offset: Int
    /// Where the chain began.
    let start: Int
    /// Where the fragment header stands; 0 if there is none.
    var fragmentHeader = 0
    /// From the fragment header: offset in bytes.
    var fragmentOffset = 0
    /// From the fragment header: more fragments follow.
    var moreFragments = false
    /// From the fragment header, host order.
    var identification: UInt32 = 0

    @_noAllocation @_noLocks
    init(first: UInt8, offset: Int) {
        next = first
        self.offset = offset
        start = offset
    }

    /// Walks to the chain's end. On an error ``next`` and ``offset`` tell which header it was about.
    ///
    /// - Parameter end: Where the packet ends; headers may not run past it.
    @_noAllocation @_noLocks
    mutating func walk(_ bytes: RawSpan, end: Int) throws(WireError) {
        var budget = Packet.maximumExtensionHeaders
        while true {
            switch next {
            case TransportProtocol.hopByHop:
                guard offset == start else { throw .misplacedHopByHop }
                try step(bytes, end, unit: 8, extra: 1)
            case TransportProtocol.routing, TransportProtocol.destinationOptions, TransportProtocol.mobility,
                TransportProtocol.hip, TransportProtocol.shim6:
                try step(bytes, end, unit: 8, extra: 1)
            case TransportProtocol.ah:
                // Unlike the others it counts words of four bytes, less two (RFC 4302 §2.2).
                try step(bytes, end, unit: 4, extra: 2)
            case TransportProtocol.fragment:
                try readFragmentHeader(bytes, end)
                guard fragmentOffset == 0 else { return }
            default:
                return
            }
            budget -= 1
            guard budget >= 0 else { throw .tooManyExtensionHeaders }
        }
    }

    /// Steps over a header whose second byte is its length: `(length + extra) · unit` bytes.
    @_noAllocation @_noLocks
    private mutating func step(_ bytes: RawSpan, _ end: Int, unit: Int, extra: Int) throws(WireError) {
        try require(8, bytes, end)
        let length = (Int(bytes.uncheckedByte(offset + 1)) + extra) * unit
        guard next != TransportProtocol.ah || length >= 12 else { throw .badAuthenticationHeader }
        guard offset + length <= end else { throw truncated }
        next = bytes.uncheckedByte(offset)
        offset += length
    }

    @_noAllocation @_noLocks
    private mutating func readFragmentHeader(_ bytes: RawSpan, _ end: Int) throws(WireError) {
        guard fragmentHeader == 0 else { throw .repeatedFragmentHeader }
        try require(8, bytes, end)
        let bits = bytes.uncheckedHalf(offset + 2)
        fragmentHeader = offset
        fragmentOffset = Int(bits & 0xFFF8)
        moreFragments = bits & 1 != 0
        identification = bytes.uncheckedWord(offset + 4)
        next = bytes.uncheckedByte(offset)
        offset += 8
    }

    @_noAllocation @_noLocks
    private func require(_ length: Int, _ bytes: RawSpan, _ end: Int) throws(WireError) {
        guard offset + length <= end else { throw truncated }
        guard offset + length <= bytes.byteCount else { throw .beyondCapture }
    }

    /// In a first fragment the rest of the chain is not lost but hidden in the next one, which RFC 7112 forbids.
    private var truncated: WireError {
        @_noAllocation @_noLocks get { moreFragments ? .firstFragmentWithoutHeaderChain : .truncatedExtensionHeader }
    }
}
