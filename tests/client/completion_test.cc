#include "client/cli/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <sstream>

#include "client/cli/commands.h"

namespace unfold::cli {
namespace {

using testing::HasSubstr;

class CompletionTest : public testing::Test {
 protected:
  CompletionTest() : session_(out_, err_) { add_all(root_, session_); }

  std::ostringstream out_;
  std::ostringstream err_;
  Session session_;
  CLI::App root_;
};

// Every command and every long flag of the tree, whatever it is today.
void expect_all(const CLI::App& app, const std::string& script, bool fish) {
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      EXPECT_THAT(script, HasSubstr((fish ? "-l " : "--") + name));
    }
  }
  for (const CLI::App* sub : app.get_subcommands({})) {
    EXPECT_THAT(script, HasSubstr(sub->get_name()));
    expect_all(*sub, script, fish);
  }
}

TEST_F(CompletionTest, EachShellKnowsEveryCommandAndFlag) {
  for (const std::string shell : {"bash", "zsh", "fish"}) {
    expect_all(root_, completion_script(root_, shell), shell == "fish");
  }
}

TEST_F(CompletionTest, BashOffersTheFlagsOfTheCommandThatWasTyped) {
  const std::string script = completion_script(root_, "bash") + R"(
COMP_WORDS=(unfold submit extraction --over); COMP_CWORD=3; _unfold; echo "${COMPREPLY[@]}"
COMP_WORDS=(unfold jo); COMP_CWORD=1; _unfold; echo "${COMPREPLY[@]}")";
  const std::string file = testing::TempDir() + "unfold_completion.sh";
  std::ofstream(file) << script;
  FILE* bash = popen(("bash " + file).c_str(), "r");
  std::string answer(256, '\0');
  answer.resize(fread(answer.data(), 1, answer.size(), bash));
  EXPECT_EQ(pclose(bash), 0);
  EXPECT_EQ(answer, "--overwrite\njobs\n");
}

TEST_F(CompletionTest, AnUnknownWordNamesTheNearestOne) {
  try {
    root_.parse("submit extraktion");
    FAIL() << "parsed";
  } catch (const CLI::ParseError& problem) {
    root_.exit(problem, out_, err_);
  }
  EXPECT_EQ(err_.str(),
            "unfold: 'extraktion' is not known here (do you mean extraction?) "
            "[see `unfold submit --help`]\n");
}

}  // namespace
}  // namespace unfold::cli
