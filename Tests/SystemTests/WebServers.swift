import Foundation
import Testing

/// nginx and iperf3 on every backend of a lab.
struct WebServers {
    /// Bytes of the long download.
    static let length = 1_000_000
    private let processes: [Running]

    /// Starts them and waits until they answer.
    ///
    /// - Parameter rate: Bytes a second that a long download gets.
    init(_ lab: Lab, rate: Int) throws {
        let body = try lab.write("long", String(repeating: "x", count: Self.length))
        var processes: [Running] = []
        for backend in Lab.backends {
            let directory = "\(lab.directory)/\(backend)"
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            try FileManager.default.linkItem(atPath: body, toPath: "\(directory)/long")
            let file = try lab.write("\(backend)/nginx.conf", Self.configuration(backend, directory, rate: rate))
            processes.append(
                try lab.start(
                    backend, "nginx", "-p", directory, "-e", "\(directory)/errors", "-c", file, "-g", "daemon off;"))
            for address in [Lab.virtual4, Lab.virtual6] {
                processes.append(try lab.start(backend, "iperf3", "--server", "--bind", address))
            }
        }
        self.processes = processes
        for backend in Lab.backends {
            let listening = try lab.run(
                backend, "sh", "-c",
                "for i in $(seq 100); do [ $(ss -Hltn '( sport = :80 or sport = :5201 )' | wc -l) = 4 ] && exit; "
                    + "sleep 0.05; done; cat \(lab.directory)/\(backend)/errors; exit 1")
            try #require(listening.status == 0, "servers in \(backend): \(listening.output)")
        }
    }

    private static func configuration(_ name: String, _ directory: String, rate: Int) -> String {
        """
        user root;
        master_process off;
        pid \(directory)/nginx.pid;
        error_log \(directory)/errors;
        events { worker_connections 2048; }
        http {
            access_log off;
            client_body_temp_path \(directory)/t1; proxy_temp_path \(directory)/t2; fastcgi_temp_path \(directory)/t3;
            uwsgi_temp_path \(directory)/t4; scgi_temp_path \(directory)/t5;
            server {
                listen 80 backlog=1024;
                listen [::]:80 backlog=1024;
                location / { default_type text/plain; return 200 "\(name)\\n"; }
                location = /long { root \(directory); limit_rate \(rate); }
            }
        }
        """
    }
}

/// Many long downloads at once, by one client program.
struct Downloads {
    private let client: Running
    private let count: Int

    init(_ lab: Lab, from host: String, count: Int) throws {
        let name = host.contains("[") ? "downloads6" : "downloads4"
        let one = "url = \"http://\(host)/long\"\noutput = \"/dev/null\"\n"
        let file = try lab.write(name, String(repeating: one, count: count))
        client = try lab.start(
            "client", "curl", "--silent", "--globoff", "--parallel", "--parallel-immediate", "--parallel-max",
            "\(count)", "--max-time", "120", "--config", file, "--write-out",
            "%{http_code} %{size_download} %{exitcode} %{local_port}\\n")
        self.count = count
    }

    var isRunning: Bool { client.isRunning }

    /// Waits for the end, and says how many were not complete.
    func failures() -> Int {
        let lines = client.finish().output.split(separator: "\n").map { $0.split(separator: " ") }
        // Each from a port of its own: a connection that was used twice would not have lasted.
        let ports = Set(lines.compactMap { $0.last })
        let complete = lines.filter { $0.starts(with: ["200", "\(WebServers.length)", "0"]) }.count
        return count - min(complete, ports.count)
    }
}

extension Lab {
    /// Opens new connections, one after the other, and counts which backend answered; "failed" counts those that
    /// nobody did.
    func newConnections(_ count: Int, to host: String) throws -> [String: Int] {
        let finished = try run(
            "client", "curl", "--silent", "--max-time", "5", "--header", "Connection: close",
            "http://\(host.replacingOccurrences(of: "[", with: "\\[").replacingOccurrences(of: "]", with: "\\]"))/"
                + "[1-\(count)]")
        var answers: [String: Int] = [:]
        for line in finished.output.split(separator: "\n") where !line.hasPrefix("--_curl_--") {
            answers[String(line), default: 0] += 1
        }
        let answered = answers.values.reduce(0, +)
        if answered < count { answers["failed"] = count - answered }
        return answers
    }
}
