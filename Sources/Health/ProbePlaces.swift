import Glibc

/// The probes under way, a bounded number of them, and the wait for any of them.
struct ProbePlaces {
    private struct Place {
        var row: Int
        var probe: Probe
        var ready = false
    }

    private let capacity: Int
    private var places: [Place] = []

    init(capacity: Int) { self.capacity = capacity }

    var hasRoom: Bool { places.count < capacity }

    /// The next moment at which a probe has taken too long.
    var earliestDeadline: Int64? { places.lazy.map(\.probe.deadline).min() }

    /// Puts a probe into a free place. There has to be one.
    mutating func insert(_ probe: Probe, row: Int) {
        precondition(hasRoom)
        places.append(Place(row: row, probe: probe))
    }

    /// Ends all probes without a result.
    mutating func removeAll() { places.removeAll() }

    /// Waits until a probe has an event, `wake` is readable, or the time is over.
    mutating func wait(wake: Int32, nanoseconds: Int64) {
        var waits = places.map { pollfd(fd: $0.probe.descriptor, events: $0.probe.events, revents: 0) }
        waits.append(pollfd(fd: wake, events: Int16(POLLIN), revents: 0))
        let milliseconds = Int32(clamping: (nanoseconds + 999_999) / 1_000_000)
        let count = unsafe poll(&waits, nfds_t(waits.count), milliseconds)
        for index in places.indices { places[index].ready = count > 0 && waits[index].revents != 0 }
    }

    /// Takes out the probes that have ended or took too long.
    mutating func takeEnded(_ now: Int64) -> [(row: Int, result: ProbeResult)] {
        var ended: [(row: Int, result: ProbeResult)] = []
        places.removeAll { place in
            var result = place.ready ? place.probe.advance(now: now) : nil
            if result == nil && place.probe.deadline <= now { result = .timedOut }
            guard let result else { return false }
            ended.append((place.row, result))
            return true
        }
        return ended
    }
}
