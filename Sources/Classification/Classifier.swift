import Wire

/// All services of a configuration, compiled for lookups: immutable, in one piece of memory at an address that never
/// changes.
///
/// Workers copy ``lookup`` once per snapshot and read through it; whoever holds the snapshot holds this object, and with
/// it the memory.
@safe
public final class Classifier: Sendable {
    /// The services in the order in which they are tried: what ``service(for:portsKnown:isEcho:)`` gives is an index here.
    public let services: [ServiceDefinition]
    /// The view that answers lookups; valid as long as this object lives.
    @unsafe public let lookup: ServiceLookup
    /// How many bytes the compiled form takes.
    public let memorySize: Int
    private nonisolated(unsafe) let memory: UnsafeMutableRawPointer

    /// The most services there can be.
    public static var maximumServices: Int { 4096 }

    /// Compiles services, given in any order.
    ///
    /// - Throws: ``ClassificationError``, one case per reason.
    public init(_ definitions: [ServiceDefinition]) throws(ClassificationError) {
        guard definitions.count <= Self.maximumServices else {
            throw .tooManyServices(count: definitions.count)
        }
        let services = definitions.sorted(by: ServiceDefinition.precedes)
        var names: Set<String> = []
        for service in services where !names.insert(service.name).inserted { throw .duplicateName(service.name) }
        var builder = ClassifierBuilder(services: services)
        try builder.build()
        self.services = services
        let placed = unsafe builder.place()
        unsafe memory = unsafe placed.memory
        memorySize = unsafe placed.size
        unsafe lookup = unsafe placed.lookup
    }

    deinit {
        // SAFETY: the memory came from `place()` and is given back once; what lies in it needs no destruction.
        unsafe memory.deallocate()
    }

    /// The service that takes a packet: its index in ``services``, or -1; see ``ServiceLookup``.
    @inlinable
    @_noAllocation
    @_noLocks
    public func service(for key: borrowing FlowKey, portsKnown: Bool = true, isEcho: Bool = false) -> Int {
        // SAFETY: the memory lives as long as `self`, which is held during the call.
        unsafe lookup.service(for: key, portsKnown: portsKnown, isEcho: isEcho)
    }
}
