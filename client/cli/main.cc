#include <CLI/CLI.hpp>
#include <clocale>
#include <iostream>

#include "client/cli/commands.h"

int main(int argc, char** argv) {
  using namespace unfold::cli;
  std::setlocale(LC_CTYPE, "");
  Session session(std::cout, std::cerr);
  CLI::App root;
  add_all(root, session);
  try {
    root.parse(argc, argv);
    return session.action();
  } catch (const CLI::ParseError& problem) {
    // Help is a "parse error" of code 0.
    return root.exit(problem, std::cout, std::cerr) == 0 ? kOk : kUsage;
  } catch (const std::exception& problem) {
    std::cerr << "unfold: " << problem.what() << "\n";
    return kInternal;
  }
}
