using Xunit;

namespace Quorate.Tests.Raft.Scripts;

/// <summary>The scripts' own machinery: a net with holes would let every script pass.</summary>
public sealed class ScriptInterpreterTests
{
    private const string Text = "# Proves.\n\nadd-nodes 1\n----\nold\n\n# Look.\nraft-state\n----\nold\n";

    [Fact]
    public void A_rewrite_changes_outputs_and_nothing_else()
    {
        ScriptFile script = ScriptFile.Parse("x", Text);
        Assert.Equal(Text, script.Render([["old"], ["old"]]));
        string rewritten = Text.Replace("old", "new\nline", StringComparison.Ordinal);
        Assert.Equal(rewritten, script.Render([["new", "line"], ["new", "line"]]));
    }

    [Theory]
    [InlineData("add-nodes 1\n----\nok\n")]
    [InlineData("# Proves.\nadd-nodes 1\nok\n")]
    public void A_script_without_its_form_is_refused(string text) =>
        Assert.Throws<ScriptException>(() => ScriptFile.Parse("x", text));

    [Theory]
    [InlineData("add-nodes 1 voter=(1)")]
    [InlineData("add-nodes one")]
    [InlineData("add-nodes 1 max-append-bytes=1")]
    [InlineData("campain 1")]
    [InlineData("campaign 1")]
    [InlineData("campaign")]
    public void A_command_that_would_do_nothing_is_refused(string command) =>
        Assert.Throws<ScriptException>(() => new ScriptInterpreter().Run(command));

    [Fact]
    public void A_difference_shows_what_is_gone_and_what_is_new() =>
        Assert.Equal("  a\n- b\n+ c\n  d", ScriptDiff.Of(["a", "b", "d"], ["a", "c", "d"]));
}
