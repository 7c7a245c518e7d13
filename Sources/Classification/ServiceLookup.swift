import Wire

/// Finds the service of a packet: a view of a ``Classifier``'s memory that workers copy and read without counting
/// references.
///
/// Looking up costs one probe of a hash table for each *length* of destination blocks that is configured (for plain
/// addresses: one), whatever the number of services (tuple space search; Srinivasan, Suri, Varghese, SIGCOMM 1999). What
/// is found there is the list of exactly the services whose destinations contain the address, in the order in which they
/// are to be tried. Where that list is long, a second step finds the shorter list for the destination port by binary
/// search in the ports at which the answer changes.
///
/// The memory belongs to the classifier, which must outlive the view.
@frozen
@unsafe
public struct ServiceLookup: @unchecked Sendable {
    @usableFromInline let lengths4: UnsafePointer<PrefixLength>
    @usableFromInline let lengths6: UnsafePointer<PrefixLength>
    @usableFromInline let slots: UnsafePointer<DestinationSlot>
    @usableFromInline let groups: UnsafePointer<ServiceGroup>
    @usableFromInline let ports: UnsafePointer<UInt16>
    @usableFromInline let portLists: UnsafePointer<ServiceList>
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
    @_noAllocation
    @_noLocks
    public func service(for key: borrowing FlowKey, portsKnown: Bool = true, isEcho: Bool = false) -> Int {
        // SAFETY: every offset and count in the memory was written by `ClassifierBuilder`, which keeps them inside it.
        let group = unsafe self.group(of: key.destination)
        let byPort = portsKnown && !isEcho
        var list = unsafe groups[group].services
        if unsafe byPort && groups[group].portCount != 0 {
            list = unsafe portLists[portInterval(of: key.destinationPort, group: group)]
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

    /// The group of the longest configured block that contains the address; group 0, which holds the services that
    /// allow any destination, when there is none.
    @inlinable
    @_noAllocation
    @_noLocks
    func group(of address: borrowing IPAddress) -> Int {
        let isIPv4 = address.family == .ipv4
        let lengths = unsafe isIPv4 ? lengths4 : lengths6
        let count = unsafe isIPv4 ? lengths4Count : lengths6Count
        let mask = unsafe slotMask
        var index = 0
        while index < count {
            let length = unsafe lengths[index]
            let word0 = address.word0 & length.mask0
            let word1 = address.word1 & length.mask1
            let word2 = address.word2 & length.mask2
            let word3 = address.word3 & length.mask3
            var slot = destinationHash(word0, word1, word2, word3, length.tag) & mask
            while true {
                let entry = unsafe slots[Int(slot)]
                if entry.tag == length.tag, entry.word0 == word0, entry.word1 == word1, entry.word2 == word2,
                    entry.word3 == word3
                {
                    return Int(entry.group)
                }
                if entry.tag == 0 { break }
                slot = (slot &+ 1) & mask
            }
            index &+= 1
        }
        return 0
    }

    /// The index in `portLists` of the interval that a port lies in.
    @inlinable
    @_noAllocation
    @_noLocks
    func portInterval(of port: UInt16, group: Int) -> Int {
        let first = unsafe Int(groups[group].firstPort)
        var base = first
        var count = unsafe Int(groups[group].portCount)
        // The first interval begins at port 0, so there always is one that begins at or below the port.
        while count > 1 {
            let half = count &>> 1
            base = unsafe ports[base &+ half] <= port ? base &+ half : base
            count &-= half
        }
        return base
    }

    /// Whether a packet whose destination address fits belongs to the service of this rank.
    @inlinable
    @_noAllocation
    @_noLocks
    func matches(_ rank: Int, _ key: borrowing FlowKey, byPort: Bool, isEcho: Bool) -> Bool {
        let rule = unsafe rules + rank
        if !isEcho, unsafe !rule.pointee.protocols.contains(key.transport) { return false }
        if byPort {
            let ports = unsafe rule.pointee.destinationPorts
            if ports.count != 0, unsafe !contains(key.destinationPort, ports) { return false }
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
            let range = unsafe ranges[index]
            if range.first <= port && port <= range.last { return true }
            index &+= 1
        }
        return false
    }
}
