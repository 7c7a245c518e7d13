import Tracking

extension PayloadCollector {
    /// Packets that are remembered may take a quarter of the memory, so that there is always room to collect.
    private var memoryLimit: Int { limits.bytes / 4 / Self.packetCost }

    /// Makes room for `growth` bytes more of a packet; false if the packet itself is what has to go.
    mutating func makeRoom(for growth: Int, keeping place: Int) -> Bool {
        let source = packets[place]!.source
        let allowed = limits.bytes / 100 * limits.share
        while sources[source]!.packets > 1, sources[source]!.bytes + growth > allowed {
            if sources[source]!.oldest == place { return false }
            evict(sources[source]!.oldest)
        }
        while statistics.bytes + growth > limits.bytes {
            let heaviest = byBytes.first!
            if sources[heaviest]!.oldest == place { return false }
            evict(sources[heaviest]!.oldest)
        }
        return true
    }

    /// Gives a packet up for its room, and remembers it: its last fragments are to be forwarded as the first ones were.
    private mutating func evict(_ place: Int) {
        noteGivenUp(GivenUpPacket(packets[place]!, .evicted))
        _ = empty(place, .refused)
    }

    /// Takes up a new packet. At the limit the oldest that is only remembered is forgotten; if there is none, the source
    /// with the most packets loses its oldest.
    mutating func enter(_ key: FragmentKey) -> Int {
        let name = FragmentSource(key)
        let allowed = max(limits.packets * limits.share / 100, 1)
        if let known = sourcePlaces[name], sources[known]!.packets >= allowed {
            giveUp(sources[known]!.oldest, .evicted)
        }
        while statistics.packets >= limits.packets || statistics.bytes + Self.packetCost > limits.bytes {
            if remembered.oldest >= 0 {
                forget(remembered.oldest)
            } else {
                giveUp(sources[byPackets.first!]!.oldest, .evicted)
            }
        }
        let source = sourcePlaces[name] ?? enter(name)
        var packet = Packet(key: key, source: source, age: nextAge, began: clock, progress: clock)
        nextAge += 1
        packet.sourceOlder = sources[source]!.newest
        let place = freePackets.popLast() ?? packets.count
        if place == packets.count { packets.append(packet) } else { packets[place] = packet }
        places[key] = place
        if packet.sourceOlder >= 0 { packets[packet.sourceOlder]!.sourceNewer = place }
        if sources[source]!.oldest < 0 { sources[source]!.oldest = place }
        sources[source]!.newest = place
        sources[source]!.packets += 1
        statistics.packets += 1
        collected.append(place, in: &packets)
        charge(place, Self.packetCost)
        return place
    }

    private mutating func enter(_ name: FragmentSource) -> Int {
        let place = freeSources.popLast() ?? sources.count
        let source = Source(name: name)
        if place == sources.count { sources.append(source) } else { sources[place] = source }
        sourcePlaces[name] = place
        return place
    }

    /// Counts memory for a packet, and weighs its source anew.
    mutating func charge(_ place: Int, _ bytes: Int) {
        statistics.bytes += bytes
        let source = packets[place]!.source
        sources[source]!.bytes += bytes
        weigh(source)
    }

    private mutating func weigh(_ source: Int) {
        let age = packets[sources[source]!.oldest]!.age
        byBytes.set(source, weight: sources[source]!.bytes, age: age)
        byPackets.set(source, weight: sources[source]!.packets, age: age)
    }

    // MARK: Ends

    /// Ends the collecting: gives the originals back, and remembers only how the packet fares.
    mutating func empty(_ place: Int, _ fate: Fate) -> [UInt32] {
        let originals = packets[place]!.partial.originals
        statistics.waiting -= originals.count
        statistics.bytes -= packets[place]!.partial.cost
        leaveSource(place)
        collected.remove(place, in: &packets)
        packets[place]!.partial = PartialPayload()
        packets[place]!.fate = fate
        packets[place]!.progress = clock
        remembered.append(place, in: &packets)
        while remembered.count > memoryLimit { forget(remembered.oldest) }
        return originals
    }

    /// Ends a packet and the memory of it; what it holds goes to the list for the caller.
    mutating func giveUp(_ place: Int, _ reason: GivenUpPacket.Reason) {
        let packet = packets[place]!
        leaveSource(place)
        collected.remove(place, in: &packets)
        statistics.waiting -= packet.partial.pieces.count
        statistics.bytes -= packet.partial.cost
        erase(place)
        noteGivenUp(GivenUpPacket(packet, reason))
    }

    private mutating func noteGivenUp(_ packet: GivenUpPacket) {
        switch packet.reason {
        case .expired: statistics.expired += 1
        case .evicted: statistics.evicted += 1
        case .refused, .ended: break
        }
        statistics.fragmentsGivenUp += UInt64(packet.originals.count)
        givenUp.append(packet)
    }

    /// Ends the memory of a packet.
    mutating func forget(_ place: Int) {
        remembered.remove(place, in: &packets)
        erase(place)
    }

    /// Frees the record of a packet that is in no list any more.
    mutating func erase(_ place: Int) {
        statistics.bytes -= Self.packetCost
        statistics.packets -= 1
        places[packets[place]!.key] = nil
        packets[place] = nil
        freePackets.append(place)
    }

    /// The packet weighs on its source no more.
    mutating func leaveSource(_ place: Int) {
        let source = packets[place]!.source
        let (older, newer) = (packets[place]!.sourceOlder, packets[place]!.sourceNewer)
        if older >= 0 { packets[older]!.sourceNewer = newer } else { sources[source]!.oldest = newer }
        if newer >= 0 { packets[newer]!.sourceOlder = older } else { sources[source]!.newest = older }
        sources[source]!.packets -= 1
        sources[source]!.bytes -= packets[place]!.partial.cost + Self.packetCost
        if sources[source]!.packets > 0 { return weigh(source) }
        byBytes.remove(source)
        byPackets.remove(source)
        sourcePlaces[sources[source]!.name] = nil
        sources[source] = nil
        freeSources.append(source)
    }

    // MARK: Lists by progress

    /// A fragment has come: the packet is the last to expire.
    mutating func progress(_ place: Int) {
        packets[place]!.progress = clock
        if collected.newest == place { return }
        collected.remove(place, in: &packets)
        collected.append(place, in: &packets)
    }
}

extension GivenUpPacket {
    init(_ packet: PayloadCollector.Packet, _ reason: Reason) {
        self.init(
            key: packet.key, reason: reason, originals: packet.partial.originals, hasFirst: packet.partial.hasFirst)
        if reason != .expired { fragments = packet.partial.fragments(of: packet.key.identification) }
    }
}
