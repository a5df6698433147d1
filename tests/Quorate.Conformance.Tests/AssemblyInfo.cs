using Xunit;

// Each test starts processes of its own; two cores are shared by all of them.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
