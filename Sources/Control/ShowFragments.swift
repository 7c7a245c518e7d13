import Dataplane
import Health
import Hosting
import JSONText
import Tracking

extension ControlPlane {
    /// The table of fragments, with the keys that `ct-test` prints, and that of pinned flows.
    var showFragments: JSONValue {
        let table = fragments.tracker.statistics(now: monotonicNow())
        var faults: JSONObject = [:]
        for fault in FragmentFault.allCases { faults[fault.name] = JSONValue(table.faults[Int(fault.rawValue)]) }
        let counts: [(String, UInt64)] = [
            ("collisions", table.collisions), ("inserts", table.inserts), ("rejected", table.rejected),
            ("lookups", table.lookups), ("objGC", table.objGC), ("stored", table.stored),
            ("released", table.released), ("discarded", table.discarded), ("lost", table.lost),
            ("reassembled", table.reassembled), ("poisoned", table.poisoned), ("evicted", table.evicted),
            ("duplicates", table.duplicates),
        ]
        let sizes: [(String, Int)] = [
            ("size", table.size), ("active", table.active), ("bucketsMax", table.bucketsMax),
            ("bucketsPeak", table.bucketsPeak), ("bucketsStale", table.bucketsStale), ("parked", table.parked),
            ("parkedMax", fragments.tracker.limits.parked), ("memory", fragments.tracker.limits.memory),
            ("unaccounted", table.unaccounted),
        ]
        var object: JSONObject = ["ttlMillis": JSONValue(table.ttlMillis)]
        for (name, size) in sizes { object[name] = JSONValue(size) }
        for (name, count) in counts { object[name] = JSONValue(count) }
        object["percentLoss"] = JSONValue(table.percentLoss)
        object["faults"] = JSONValue(faults)
        object["flows"] = flowTable
        return JSONValue(object)
    }

    private var flowTable: JSONValue {
        guard let flows = director.flows else { return JSONValue(.null) }
        let table = flows.table.statistics(now: monotonicNow())
        var object: JSONObject = [:]
        let sizes: [(String, Int)] = [
            ("size", table.size), ("active", table.active), ("bucketsMax", table.bucketsMax),
            ("bucketsPeak", table.bucketsPeak), ("bucketsStale", table.bucketsStale),
            ("memory", flows.table.limits.memory), ("unaccounted", table.unaccounted),
        ]
        for (name, size) in sizes { object[name] = JSONValue(size) }
        let counts: [(String, UInt64)] = [
            ("inserts", table.inserts), ("collisions", table.collisions), ("rejected", table.rejected),
            ("objGC", table.objGC),
        ]
        for (name, count) in counts { object[name] = JSONValue(count) }
        return JSONValue(object)
    }

    /// Metrics of both tables.
    func tracking(_ page: inout MetricsText) {
        let table = fragments.tracker.statistics(now: monotonicNow())
        page.single("fragment_packets", .gauge, "Fragmented packets that are followed.", table.active)
        page.single("fragment_places", .gauge, "Packets there is room for.", table.size + table.bucketsMax)
        page.single("fragment_extra_buckets_peak", .gauge, "Most extra buckets in use at once.", table.bucketsPeak)
        page.single("packets_parked", .gauge, "Fragments that wait for the first of their packet.", table.parked)
        page.begin("fragment_events_total", .counter, "What happened to fragmented packets and their fragments.")
        let events: KeyValuePairs<String, UInt64> = [
            "packet": table.inserts, "no_room": table.rejected, "collision": table.collisions,
            "expired": table.objGC, "whole": table.reassembled, "poisoned": table.poisoned, "evicted": table.evicted,
            "fragment_parked": table.stored, "fragment_released": table.released,
            "fragment_discarded": table.discarded, "fragment_lost": table.lost, "fragment_duplicate": table.duplicates,
        ]
        for (event, count) in events { page.sample(["event": event], count) }
        guard let flows = director.flows else { return }
        let pinned = flows.table.statistics(now: monotonicNow())
        page.single("flows", .gauge, "Flows that are pinned and not idle.", pinned.active)
        page.single("flow_places", .gauge, "Flows there is room for.", pinned.size + pinned.bucketsMax)
        page.begin("flow_events_total", .counter, "What happened to pinned flows.")
        let changes: KeyValuePairs<String, UInt64> = [
            "pinned": pinned.inserts, "no_room": pinned.rejected, "collision": pinned.collisions,
            "forgotten": pinned.objGC,
        ]
        for (event, count) in changes { page.sample(["event": event], count) }
    }
}
