import Wire

/// Finds the service of a packet: a view of a ``Classifier``'s memory that workers copy and read without counting
/// references.
///
/// Looking up costs one probe of a hash table for each *length* of destination blocks that is configured (for plain
/// addresses: one), whatever the number of services (tuple space search; Srinivasan, Suri, Varghese, SIGCOMM 1999). What
/// is found there is the list of exactly the services whose destinations contain the address, in the order in which they
/// are to be tried. Where that list is long, a table of two levels gives the shorter list for the destination port.
///
/// The memory belongs to the classifier, which must outlive the view.
@frozen
@unsafe
public struct ServiceLookup: @unchecked Sendable {
    @usableFromInline let lengths4: UnsafePointer<PrefixLength>
    @usableFromInline let lengths6: UnsafePointer<PrefixLength>
    @usableFromInline let slots: UnsafePointer<DestinationSlot>
    @usableFromInline let portTables: UnsafePointer<UInt32>
    @usableFromInline let portPages: UnsafePointer<ServiceList>
    @usableFromInline let ranks: UnsafePointer<UInt16>
    @usableFromInline let rules: UnsafePointer<ServiceRule>
    @usableFromInline let prefixes: UnsafePointer<IPPrefix>
    @usableFromInline let ranges: UnsafePointer<PortRange>
    @usableFromInline let lengths4Count: Int
    @usableFromInline let lengths6Count: Int
    @usableFromInline let slotMask: UInt32

    /// The service that takes a packet: its index in ``Classifier/services``, or -1 if there is none.
    ///
    /// Answers as ``ServiceMatch/contains(_:portsKnown:isEcho:)`` asked of one service after the other in their order.
    ///
    /// - Parameters:
    ///   - key: the packet's flow; for an ICMP error the flow the error is about.
    ///   - portsKnown: false for fragments behind the first; their ports are not asked for.
    ///   - isEcho: whether the packet is an ICMP echo message; only addresses are looked at then.
    @inlinable
    @inline(__always)
    @_noAllocation
    @_noLocks
    public func service(for key: borrowing FlowKey, portsKnown: Bool = true, isEcho: Bool = false) -> Int {
        // SAFETY: every offset and count in the memory was written by `ClassifierBuilder`, which keeps them inside it.
        let isIPv4 = key.destination.family == .ipv4
        let slot = unsafe slots + (isIPv4 ? slotIPv4(key.destination.word0) : slotIPv6(key.destination))
        let byPort = portsKnown && !isEcho
        var list = unsafe slot.pointee.services
        let table = unsafe slot.pointee.portTable
        if byPort && table != 0 {
            let page = unsafe portTables[Int((table &- 1) &<< 8) | Int(key.destinationPort &>> 8)]
            list = unsafe portPages[Int(page) &<< 8 | Int(key.destinationPort & 255)]
        }
        var position = Int(list.first)
        let end = position &+ Int(list.count)
        while position < end {
            let rank = unsafe Int(ranks[position])
            if unsafe matches(rank, key, byPort: byPort, isEcho: isEcho) { return rank }
            position &+= 1
        }
        return -1
    }

    /// The slot of the longest configured block that contains the IPv4 address, given as it lies in a packet; when there
    /// is none, the slot behind the last, which has the services that allow any destination.
    @inlinable
    @inline(__always)
    @_noAllocation
    @_noLocks
    func slotIPv4(_ word: UInt32) -> Int {
        let mask = unsafe slotMask
        let count = unsafe lengths4Count
        var index = 0
        while index < count {
            let length = unsafe lengths4 + index
            let tag = unsafe length.pointee.tag
            let masked = unsafe word & length.pointee.mask0
            var number = destinationHash(masked, tag) & mask
            while true {
                let slot = unsafe slots + Int(number)
                if unsafe slot.pointee.word0 == masked && slot.pointee.tag == tag { return Int(number) }
                if unsafe slot.pointee.tag == 0 { break }
                number = (number &+ 1) & mask
            }
            index &+= 1
        }
        return Int(mask) &+ 1
    }

    /// The same for an IPv6 address.
    @inlinable
    @inline(__always)
    @_noAllocation
    @_noLocks
    func slotIPv6(_ address: borrowing IPAddress) -> Int {
        let mask = unsafe slotMask
        let count = unsafe lengths6Count
        var index = 0
        while index < count {
            let length = unsafe lengths6[index]
            let word0 = address.word0 & length.mask0
            let word1 = address.word1 & length.mask1
            let word2 = address.word2 & length.mask2
            let word3 = address.word3 & length.mask3
            var number = destinationHash(word0, word1, word2, word3, length.tag) & mask
            while true {
                let slot = unsafe slots + Int(number)
                let found = unsafe slot.pointee
                let differing =
                    (found.word0 ^ word0) | (found.word1 ^ word1) | (found.word2 ^ word2) | (found.word3 ^ word3)
                    | (found.tag ^ length.tag)
                if differing == 0 { return Int(number) }
                if unsafe slot.pointee.tag == 0 { break }
                number = (number &+ 1) & mask
            }
            index &+= 1
        }
        return Int(mask) &+ 1
    }

    /// Whether a packet whose destination address fits belongs to the service of this rank.
    @inlinable
    @inline(__always)
    @_noAllocation
    @_noLocks
    func matches(_ rank: Int, _ key: borrowing FlowKey, byPort: Bool, isEcho: Bool) -> Bool {
        let rule = unsafe rules + rank
        if !isEcho, unsafe !rule.pointee.protocols.contains(key.transport) { return false }
        if byPort {
            if unsafe !rule.pointee.destinationPorts.contains(key.destinationPort) {
                if unsafe !contains(key.destinationPort, rule.pointee.furtherPorts) { return false }
            }
            let sourcePorts = unsafe rule.pointee.sourcePorts
            if sourcePorts.count != 0, unsafe !contains(key.sourcePort, sourcePorts) { return false }
        }
        let sources = unsafe rule.pointee.sources
        if sources.count == 0 { return true }
        var index = Int(sources.first)
        let end = index &+ Int(sources.count)
        while index < end {
            if unsafe prefixes[index].contains(key.source) { return true }
            index &+= 1
        }
        return false
    }

    /// Whether a port lies in one of the ranges.
    @inlinable
    @_noAllocation
    @_noLocks
    func contains(_ port: UInt16, _ list: ServiceList) -> Bool {
        var index = Int(list.first)
        let end = index &+ Int(list.count)
        while index < end {
            if unsafe ranges[index].contains(port) { return true }
            index &+= 1
        }
        return false
    }
}
