import Wire

/// Works out the tables that ``ServiceLookup`` reads.
///
/// Each configured destination block gets the list of all services whose destinations contain it; of an address only its
/// longest block is looked up, and that one's list is complete, for blocks that share an address lie inside each other.
struct ClassifierBuilder {
    /// In the order in which they are tried.
    let services: [ServiceDefinition]

    private var rules: [ServiceRule] = []
    private var prefixes: [IPPrefix] = []
    private var ranges: [PortRange] = []
    private var ranks: [UInt16] = []
    private var portTables: [UInt32] = []
    private var portPages: [ServiceList] = []
    private var slots: [DestinationSlot] = []
    private var lengths4: [PrefixLength] = []
    private var lengths6: [PrefixLength] = []

    /// Lists that are in `ranks` already, so that equal ones are kept once.
    private var knownLists: [[UInt16]: ServiceList] = [:]
    /// Pages that are in `portPages` already: those that have one list for all ports, and others.
    private var uniformPages: [ServiceList: UInt32] = [:]
    private var mixedPages: [[ServiceList]: UInt32] = [:]
    /// What was found out for these services already.
    private var knownGroups: [[UInt16]: Group] = [:]

    /// The services of a destination block.
    private struct Group {
        let services: ServiceList
        let portTable: UInt32
    }

    /// Up to this many services are tried one after the other without a look at the port first.
    private static var shortList: Int { 4 }
    /// The most entries of `ranks`, 2 bytes each.
    private static var maximumRanks: Int { 64 << 20 }
    /// With more than this in `ranks` or `portPages`, further lists are not split by port: slower, but the memory stays
    /// small.
    private static var generousEntries: Int { 4 << 20 }

    init(services: [ServiceDefinition]) {
        self.services = services
    }

    mutating func build() throws(ClassificationError) {
        for service in services { rules.append(rule(for: service.match)) }
        var direct: [IPPrefix: [UInt16]] = [:]
        var anywhere: [UInt16] = []
        for (rank, service) in services.enumerated() {
            if service.match.destinations.isEmpty { anywhere.append(UInt16(rank)) }
            for block in Set(service.match.destinations) { direct[block, default: []].append(UInt16(rank)) }
        }
        let lengths = Set(direct.keys.map { Length(family: $0.address.family, bits: $0.length) })
            .sorted { $0.bits > $1.bits }
        lengths4 = lengths.filter { $0.family == .ipv4 }.map(\.compiled)
        lengths6 = lengths.filter { $0.family == .ipv6 }.map(\.compiled)
        let fallback = try group(of: anywhere)
        let size = Self.tableSize(for: direct.count)
        slots = [DestinationSlot](repeating: DestinationSlot(), count: size + 1)
        slots[size].services = fallback.services
        slots[size].portTable = fallback.portTable
        for block in direct.keys {
            var members = Set(anywhere)
            for length in lengths where length.family == block.address.family && length.bits <= block.length {
                members.formUnion(direct[IPPrefix(masking: block.address, length: Int(length.bits))] ?? [])
            }
            insert(block, group: try group(of: members.sorted()))
        }
    }

    // MARK: Parts

    private mutating func rule(for match: ServiceMatch) -> ServiceRule {
        let sources = ServiceList(first: prefixes.count, count: match.sources.count)
        prefixes.append(contentsOf: match.sources)
        let first = match.destinationPorts.first ?? 0...UInt16.max
        return ServiceRule(
            protocols: ProtocolSet(match.protocols),
            destinationPorts: PortRange(first: first.lowerBound, last: first.upperBound),
            furtherPorts: append(Array(match.destinationPorts.dropFirst())), sourcePorts: append(match.sourcePorts),
            sources: sources)
    }

    private mutating func append(_ list: [ClosedRange<UInt16>]) -> ServiceList {
        let first = ranges.count
        ranges.append(contentsOf: list.map { PortRange(first: $0.lowerBound, last: $0.upperBound) })
        return ServiceList(first: first, count: list.count)
    }

    private mutating func group(of members: [UInt16]) throws(ClassificationError) -> Group {
        // Behind a service that takes everything, nothing is left for others.
        let members = cut(members) { $0.protocols.isEmpty && $0.sources.isEmpty && $0.hasAnyPorts }
        if let known = knownGroups[members] { return known }
        let list = try self.list(of: members)
        let isWorthSplitting =
            members.count > Self.shortList && ranks.count < Self.generousEntries
            && portPages.count < Self.generousEntries
        let table = isWorthSplitting ? try splitByPort(members) : 0
        let group = Group(services: list, portTable: table)
        knownGroups[members] = group
        return group
    }

    /// Makes a table from destination port to the services that allow it: the port's upper byte gives a page, the lower
    /// byte the list in it. Returns the table's number, or 0 if the ports make no difference.
    private mutating func splitByPort(_ members: [UInt16]) throws(ClassificationError) -> UInt32 {
        var bounds: Set<Int> = [0]
        for member in members {
            for range in services[Int(member)].match.destinationPorts {
                bounds.insert(Int(range.lowerBound))
                if range.upperBound < .max { bounds.insert(Int(range.upperBound) + 1) }
            }
        }
        guard bounds.count > 1 else { return 0 }
        var intervals: [(start: Int, list: ServiceList)] = []
        for start in bounds.sorted() {
            let allowed = members.filter { member in
                let ranges = services[Int(member)].match.destinationPorts
                return ranges.isEmpty || ranges.contains { $0.contains(UInt16(start)) }
            }
            let list = try self.list(
                of: cut(allowed) { $0.protocols.isEmpty && $0.sources.isEmpty && $0.sourcePorts.isEmpty })
            intervals.append((start, list))
        }
        var current = 0
        for first in stride(from: 0, to: 65536, by: 256) {
            while current + 1 < intervals.count, intervals[current + 1].start <= first { current += 1 }
            let nextStart = current + 1 < intervals.count ? intervals[current + 1].start : 65536
            if nextStart >= first + 256 {
                portTables.append(uniformPage(of: intervals[current].list))
                continue
            }
            var page: [ServiceList] = []
            for port in first..<first + 256 {
                while current + 1 < intervals.count, intervals[current + 1].start <= port { current += 1 }
                page.append(intervals[current].list)
            }
            portTables.append(mixedPage(page))
        }
        return UInt32(portTables.count / 256)
    }

    private mutating func uniformPage(of list: ServiceList) -> UInt32 {
        if let known = uniformPages[list] { return known }
        let number = UInt32(portPages.count / 256)
        portPages.append(contentsOf: repeatElement(list, count: 256))
        uniformPages[list] = number
        return number
    }

    private mutating func mixedPage(_ page: [ServiceList]) -> UInt32 {
        if let known = mixedPages[page] { return known }
        let number = UInt32(portPages.count / 256)
        portPages.append(contentsOf: page)
        mixedPages[page] = number
        return number
    }

    /// The members up to the first for which `takesAll` holds.
    private func cut(_ members: [UInt16], where takesAll: (ServiceMatch) -> Bool) -> [UInt16] {
        guard let last = members.firstIndex(where: { takesAll(services[Int($0)].match) }) else { return members }
        return Array(members[...last])
    }

    private mutating func list(of members: [UInt16]) throws(ClassificationError) -> ServiceList {
        if let known = knownLists[members] { return known }
        guard ranks.count + members.count <= Self.maximumRanks else {
            throw .tooLarge(entries: ranks.count + members.count)
        }
        let list = ServiceList(first: ranks.count, count: members.count)
        ranks.append(contentsOf: members)
        knownLists[members] = list
        return list
    }

    // MARK: Destinations

    private struct Length: Hashable {
        let family: IPFamily
        let bits: UInt8

        var compiled: PrefixLength {
            let ones = UInt32.max
            let all =
                family == .ipv4 ? IPAddress(ipv4: ones) : IPAddress(word0: ones, word1: ones, word2: ones, word3: ones)
            let mask = IPPrefix(masking: all, length: Int(bits)).address
            return PrefixLength(mask0: mask.word0, mask1: mask.word1, mask2: mask.word2, mask3: mask.word3, tag: tag)
        }

        var tag: UInt32 { UInt32(family.rawValue) << 8 | UInt32(bits) }
    }

    /// A power of two that leaves at least half of the slots free.
    private static func tableSize(for count: Int) -> Int {
        var size = 8
        while size < 2 * count { size *= 2 }
        return size
    }

    private mutating func insert(_ block: IPPrefix, group: Group) {
        let address = block.address
        let tag = Length(family: address.family, bits: block.length).tag
        let mask = slots.count - 2
        let hash =
            address.family == .ipv4
            ? destinationHash(address.word0, tag)
            : destinationHash(address.word0, address.word1, address.word2, address.word3, tag)
        var number = Int(hash) & mask
        while slots[number].tag != 0 { number = (number + 1) & mask }
        slots[number].word0 = address.word0
        slots[number].word1 = address.word1
        slots[number].word2 = address.word2
        slots[number].word3 = address.word3
        slots[number].tag = tag
        slots[number].services = group.services
        slots[number].portTable = group.portTable
    }

    // MARK: Memory

    /// Copies the tables into one piece of memory, each from the start of a cache line on.
    @unsafe
    func place() -> (memory: UnsafeMutableRawPointer, size: Int, lookup: ServiceLookup) {
        var layout = Layout()
        let offsets = (
            layout.add(lengths4), layout.add(lengths6), layout.add(slots), layout.add(portTables),
            layout.add(portPages),
            layout.add(ranks), layout.add(rules), layout.add(prefixes), layout.add(ranges)
        )
        let memory = UnsafeMutableRawPointer.allocate(byteCount: max(layout.size, 64), alignment: 64)
        let lookup = unsafe ServiceLookup(
            lengths4: Self.copy(lengths4, to: memory + offsets.0),
            lengths6: Self.copy(lengths6, to: memory + offsets.1),
            slots: Self.copy(slots, to: memory + offsets.2), portTables: Self.copy(portTables, to: memory + offsets.3),
            portPages: Self.copy(portPages, to: memory + offsets.4), ranks: Self.copy(ranks, to: memory + offsets.5),
            rules: Self.copy(rules, to: memory + offsets.6), prefixes: Self.copy(prefixes, to: memory + offsets.7),
            ranges: Self.copy(ranges, to: memory + offsets.8), lengths4Count: lengths4.count,
            lengths6Count: lengths6.count, slotMask: UInt32(slots.count - 2))
        return unsafe (memory, layout.size, lookup)
    }

    /// Where each table begins.
    private struct Layout {
        var size = 0

        mutating func add<Element>(_ table: [Element]) -> Int {
            let offset = size
            size += (table.count * MemoryLayout<Element>.stride + 63) / 64 * 64
            return offset
        }
    }

    @unsafe
    private static func copy<Element>(_ table: [Element], to place: UnsafeMutableRawPointer) -> UnsafePointer<Element> {
        // SAFETY: `Layout` has set aside room for `table.count` elements at `place`, aligned to 64 bytes.
        let start = unsafe place.bindMemory(to: Element.self, capacity: table.count)
        for (index, element) in table.enumerated() { unsafe (start + index).initialize(to: element) }
        return unsafe UnsafePointer(start)
    }
}

extension ServiceMatch {
    /// Whether neither port is asked for.
    fileprivate var hasAnyPorts: Bool { destinationPorts.isEmpty && sourcePorts.isEmpty }
}
