import Wire

extension RulePlan {
    /// Text for `ip -4 -force -batch -` or `ip -6 -force -batch -`: each mark's next hop, and the fallback route for
    /// packets without a mark.
    ///
    /// A mark has a routing table of its own with the mark's number. `-force` goes on where a rule is there already. A
    /// batch has one family: `ip` takes that of a rule from its options and not from the addresses in the line.
    public func ipBatch(_ family: IPFamily) -> String {
        let digit = family == .ipv4 ? "4" : "6"
        var text =
            "# Anabranch, IPv\(digit): for `ip -\(digit) -force -batch -` (rules that are there already are reported and "
            + "kept)\n"
        for route in routes {
            let hops = route.addresses.filter { $0.family == family }
            let reason = Self.unusable(route)
            if hops.isEmpty && reason == nil { continue }
            text += "# \(route.isLoadBalancer ? "load balancer" : "backend") \(route.backend)\n"
            if let reason {
                text += "#   \(reason)\n"
                continue
            }
            for hop in hops {
                text += "rule add priority 1000 fwmark \(route.mark) lookup \(route.mark)\n"
                text += "route replace default via \(hop) table \(route.mark)\n"
            }
        }
        return text + fallback(family)
    }

    /// Packets pass unmarked while no daemon serves the queues, so each virtual address needs a route of its own, to a
    /// backend of a service that has the address: never to a load balancer, which would only send them back.
    private func fallback(_ family: IPFamily) -> String {
        var text =
            "# Fallback: where packets without a mark go while no anabranchd runs. Choose the backend to your liking.\n"
        var seen: Set<IPPrefix> = []
        for destination in traffic.flatMap(\.destinations)
        where destination.address.family == family && seen.insert(destination).inserted {
            let hop = traffic.lazy.filter { $0.destinations.contains(destination) }.flatMap(\.fallback).first {
                $0.family == family
            }
            guard let hop else {
                text += "#   \(destination): no backend has an address of this family\n"
                continue
            }
            text += "route replace \(destination) via \(hop)\n"
        }
        for service in traffic where service.destinations.isEmpty {
            text += "#   service \(service.service) has no destinations: add the route by hand\n"
        }
        return text
    }

    private static func unusable(_ route: Route) -> String? {
        if route.addresses.isEmpty { return "mark \(route.mark): no address is configured; add the route by hand" }
        // Tables 253 to 255 are the kernel's own (default, main, local); table 0 means "any".
        if route.mark == 0 || (253...255).contains(route.mark) {
            return "mark \(route.mark) cannot name a routing table (0 and 253 to 255 are taken): add the route by hand"
        }
        return nil
    }
}
