import Configuration
import Control
import Hosting
import JSONText
import KernelPath
import Wire

/// The commands that need no daemon.
enum LocalCommands {
    static let all: [Command] = [
        check, Replay.command, Send.command, rules("print"), rules("apply"), rules("remove"), version,
    ]

    /// The option that names the configuration.
    static let configOption = Option(
        name: "--config", value: "FILE", help: "The configuration; \(defaultFile) if not given")
    static let defaultFile = "/etc/anabranch/anabranch.json"

    /// The configuration that `--config` names.
    static func configuration(_ invocation: Invocation) throws(Failure) -> Configuration {
        do throws(ConfigurationErrors) {
            return try Configuration.load(path: invocation["--config"] ?? defaultFile)
        } catch {
            throw .failed(error.description)
        }
    }

    private static let check = Command(
        words: ["check"], operands: ["FILE"], summary: "Check a configuration; errors as file:line:column: message"
    ) { invocation throws(Failure) in
        do throws(ConfigurationErrors) {
            let configuration = try Configuration.load(path: invocation.operands[0])
            let json: JSONValue = [
                "ok": true, "services": JSONValue(configuration.services.count),
                "pools": JSONValue(configuration.pools.count),
            ]
            let text =
                "\(invocation.operands[0]) is good: \(configuration.services.count) services, "
                + "\(configuration.pools.count) pools"
            invocation.console.write((invocation.has("--json") ? json.description : text) + "\n")
        } catch {
            if invocation.has("--json") {
                let json: JSONValue = ["ok": false, "errors": JSONValue(error.diagnostics.map(\.description))]
                invocation.console.write(json.description + "\n")
            }
            throw .failed(error.description)
        }
    }

    private static let version = Command(words: ["version"], summary: "Print the version") {
        invocation throws(Failure) in
        let json: JSONValue = ["version": JSONValue(Version.text)]
        invocation.console.write((invocation.has("--json") ? json.description : "anabranch \(Version.text)") + "\n")
    }

    // MARK: Rules

    private static func rules(_ verb: String) -> Command {
        let summaries = [
            "print": "Print the firewall rules that bring packets to the queues",
            "apply": "Put the rules in place; ours from before are replaced",
            "remove": "Take the rules out, and nothing else",
        ]
        var options = [
            Option(
                name: "--format", value: "NAME",
                help: "iptables (default) or nft\(verb == "print" ? ", or routes" : "")")
        ]
        if verb != "remove" { options.append(configOption) }
        if verb == "print" {
            options.append(Option(name: "--family", value: "N", help: "4 or 6: that one alone (iptables, routes)"))
        }
        return Command(
            words: ["rules", verb], options: options, summary: summaries[verb] ?? "",
            details: verb == "print"
                ? """
                iptables: text for `iptables-restore --noflush` (--family 4) and `ip6tables-restore --noflush`
                (--family 6). nft: text for `nft -f -`. routes: text for `ip -4 -force -batch -` (--family 4) and
                `ip -6 -force -batch -` (--family 6), with a fallback route for packets that pass unmarked while no
                daemon runs.
                """ : ""
        ) { invocation throws(Failure) in
            try runRules(verb, invocation)
        }
    }

    private static func runRules(_ verb: String, _ invocation: Invocation) throws(Failure) {
        let name = invocation["--format"] ?? RuleFormat.iptables.rawValue
        if verb == "print" && name == "routes" {
            let plan = try plan(invocation)
            for family in try families(invocation) { invocation.console.write(plan.ipBatch(family)) }
            return
        }
        guard let format = RuleFormat(rawValue: name) else {
            throw .usage("there is no format '\(name)': iptables or nft\(verb == "print" ? " or routes" : "")")
        }
        let plan = verb == "remove" ? nil : try plan(invocation)
        if verb == "print" {
            invocation.console.write(try text(plan!, format, invocation))
            return
        }
        do throws(RuleError) {
            if let plan { try plan.apply(format) } else { try RulePlan.remove(format) }
        } catch {
            throw .failed(error.description)
        }
    }

    private static func text(
        _ plan: RulePlan, _ format: RuleFormat, _ invocation: Invocation
    ) throws(Failure) -> String {
        guard invocation["--family"] != nil else { return plan.text(format) }
        guard format == .iptables else { throw .usage("--family is for iptables and routes: nft holds both families") }
        return try families(invocation).map { plan.iptables($0) }.joined()
    }

    /// Both, or the one that is asked for.
    private static func families(_ invocation: Invocation) throws(Failure) -> [IPFamily] {
        switch invocation["--family"] {
        case nil: return [.ipv4, .ipv6]
        case "4"?: return [.ipv4]
        case "6"?: return [.ipv6]
        case let other?: throw .usage("--family '\(other)' is neither 4 nor 6")
        }
    }

    private static func plan(_ invocation: Invocation) throws(Failure) -> RulePlan {
        try configuration(invocation).rulePlan(cores: usableCores().count)
    }
}
