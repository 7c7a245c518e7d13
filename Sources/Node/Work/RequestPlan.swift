import ChunkProcessing

/// How chunks and jobs of one request type are worked on.
struct RequestPlan: Sendable {
    /// The type as its times are kept and reported; "default" for all that are not configured.
    let name: String
    let processor: any ChunkProcessor
    /// The processor that joins the results, by name; nil: concatenation.
    var aggregation: String?
    /// That processor.
    var joiner: (any ChunkProcessor)?
    /// Class in the priority queue.
    let urgency: Int
    /// Nanoseconds that one piece of work may take.
    let timeLimit: Int64
    /// Keeps the processors from being ended while work with them is under way.
    let processors: ProcessorSet
}
