#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <vector>

#include "client/cli/commands.h"
#include "client/cli/output.h"
#include "common/simulate/spi_files.h"

namespace unfold::cli {
namespace {

using simulate::SpiBackground;
using simulate::SpiFormat;
using simulate::SpiNonHit;
using simulate::SpiObject;
using spi_data::FormFactors;

constexpr double kElectronvoltAngstrom = 12398.419843320026;  // h c

constexpr char kExamples[] =
    R"(Frames are sums over all atoms for each pixel, with no grid in between; then fluence, beam
position, background and Poisson noise. Writes an HDF5 file that `unfold submit spi --data` takes,
or Dragonfly's .emc, detector and config.ini, and apart from it the truth: orientations, fluences,
conformations, non-hits, beam positions, atoms and densities.

Examples:
  unfold simulate spi --pdb 2cex.pdb --frames 2000 -o patterns.h5
  unfold simulate spi --pdb 2cex.pdb --frames 2000 --photons 100 --beamstop 2.5 \
      --fluence-sigma 0.35 --background 0.2 --non-hits 0.1 --jitter 1 -o hard.h5
  unfold simulate spi --pdb open.pdb --pdb closed.pdb --fractions 0.7,0.3 -o two.h5
  unfold simulate spi --pdb 2cex.pdb --format emc -o photons.emc
  unfold simulate spi --object ball --ball-diameter 60 -o ball.h5)";

struct Flags {
  simulate::SpiOptions options;
  simulate::SpiFileOptions files;
  double photon_energy = 0;  // eV; 0: by wavelength
};

/// Adds flags of one group.
class Adder {
 public:
  Adder(CLI::App& command, const char* group) : command_(command), group_(group) {}

  template <class Value>
  const Adder& add(const char* names, Value& target, const char* help, const char* type) const {
    command_.add_option(names, target, help)->type_name(type)->group(group_);
    return *this;
  }
  template <class Value>
  const Adder& list(const char* names, Value& target, const char* help, const char* type) const {
    command_.add_option(names, target, help)->delimiter(',')->type_name(type)->group(group_);
    return *this;
  }
  const Adder& flag(const char* names, bool& target, const char* help) const {
    command_.add_flag(names, target, help)->group(group_);
    return *this;
  }
  template <class Choice>
  const Adder& choose(const char* names, Choice& target, const std::map<std::string, Choice>& words,
                      const char* help) const {
    std::vector<std::string> known;
    for (const auto& [word, value] : words) known.push_back(word);
    command_
        .add_option_function<std::string>(
            names, [&target, words](const std::string& word) { target = words.at(word); }, help)
        ->check(CLI::IsMember(known))
        ->type_name("WORD")
        ->group(group_);
    return *this;
  }

 private:
  CLI::App& command_;
  const char* group_;
};

void add_particle(CLI::App& command, Flags& flags) {
  simulate::SpiOptions& o = flags.options;
  Adder(command, "Particle")
      .add("--pdb", flags.files.pdb, "A molecule; several: conformations", "FILE")
      .list("--chain", flags.files.chains, "Its chains: one word for all files, or one for each",
            "A,B")
      .list("--fractions", o.fractions, "Of conformations [equal]", "X,Y")
      .choose("--object", o.object,
              {{"molecule", SpiObject::kMolecule},
               {"radial-mean", SpiObject::kRadialMean},
               {"ball", SpiObject::kBall}},
              "molecule, radial-mean (no structure) or ball [molecule]")
      .add("--ball-diameter", o.ball_diameter, "Angstrom [60]", "X")
      .choose("--form-factors", o.scattering.form_factors,
              {{"international-tables", FormFactors::kInternationalTables},
               {"charge", FormFactors::kCharge}},
              "international-tables (C 6.1.1.4) or charge (Z) [international-tables]")
      .add("--b-factor", o.scattering.b_factor, "Of all atoms, Angstrom^2 [40]", "X")
      .flag("--occupancy", o.scattering.use_occupancy, "Weigh atoms by the file's occupancies");
}

void add_detector(CLI::App& command, Flags& flags) {
  simulate::SpiGeometry& g = flags.options.geometry;
  Adder(command, "Detector")
      .add("--size", g.size, "Pixels an edge [32]", "N")
      .add("--corner-resolution", g.corner, "At a corner pixel, Angstrom; 0: by --pixel-size [9]",
           "X")
      .add("--pixel-size", g.pixel_size, "m, with --corner-resolution 0", "X")
      .add("--distance", g.distance, "To the sample, m [0.1]", "X")
      .add("--wavelength", g.wavelength, "Angstrom [2]", "X")
      .add("--photon-energy", flags.photon_energy, "eV, instead of the wavelength", "X")
      .add("--beamstop", g.beamstop, "Radius, pixels: what is within is bad [0]", "X")
      .flag("--polarization", g.polarization, "Of a beam polarised along x, the rows' direction")
      .flag("--solid-angle", g.solid_angle, "Of pixels off the centre");
}

void add_beam(CLI::App& command, Flags& flags) {
  simulate::SpiOptions& o = flags.options;
  Adder(command, "Frames and noise")
      .add("--frames", o.frames, "How many [1000]", "N")
      .add("--photons", o.photons,
           "Mean of a hit outside the beamstop, without background; 0: no noise [1000]", "X")
      .add("--fluence-sigma", o.fluence_sigma, "Log-normal spread of the fluence [0]", "X")
      .add("--background", o.background, "Share of all counts, 0 .. 0.99 [0]", "X")
      .choose("--background-shape", o.background_shape,
              {{"uniform", SpiBackground::kUniform}, {"radial", SpiBackground::kRadial}},
              "uniform or radial [uniform]")
      .add("--non-hits", o.non_hits, "Share of frames that hit no particle [0]", "X")
      .choose("--non-hit-kind", o.non_hit,
              {{"radial", SpiNonHit::kRadial}, {"empty", SpiNonHit::kEmpty}},
              "radial (as bright, no structure) or empty [radial]")
      .add("--jitter", o.jitter, "Of the beam's centre, pixels rms along each axis [0]", "X")
      .add("--seed", o.seed, "Same seed, same files [1]", "N");
}

void add_files(CLI::App& command, Flags& flags) {
  Adder(command, "Files")
      .add("-o,--output", flags.files.output, "The patterns [patterns.h5]", "FILE")
      .choose("--format", flags.files.format,
              {{"cspi", SpiFormat::kCspi}, {"emc", SpiFormat::kEmc}},
              "cspi, or emc with detector and config.ini beside it [cspi]")
      .add("--truth", flags.files.truth, "The truth [truth-OUTPUT.h5 beside it]", "FILE")
      .add("--grid", flags.files.grid, "Of the truth's densities, odd [box of two diameters]", "M")
      .flag("--overwrite", flags.files.overwrite, "Replace files that exist");
}

nlohmann::ordered_json json_of(const simulate::SpiFiles& files) {
  nlohmann::ordered_json json = {{"data", files.data}};
  if (!files.config.empty()) json.update({{"detector", files.detector}, {"config", files.config}});
  json.update({{"truth", files.truth},
               {"frames", files.frames},
               {"pixels", files.pixels},
               {"non_hits", files.non_hits},
               {"photons_per_frame", files.photons},
               {"resolution_A", files.resolution},
               {"diameter_A", files.diameter},
               {"grid", files.grid},
               {"voxel_A", files.voxel}});
  return json;
}

int run(Session& session, const Flags& flags) {
  simulate::SpiOptions options = flags.options;
  if (flags.photon_energy != 0)
    options.geometry.wavelength = kElectronvoltAngstrom / flags.photon_energy;
  const absl::StatusOr<simulate::SpiFiles> files = simulate::simulate_spi(options, flags.files);
  if (!files.ok()) return session.fail(files.status(), CallKind::kSubmit);
  for (const std::string& warning : files->warnings) session.err << warning << "\n";
  emit_object(session, json_of(*files));
  return kOk;
}

}  // namespace

void add_simulate_spi(CLI::App& simulate, Session& session) {
  CLI::App* command =
      simulate.add_subcommand("spi", "Diffraction patterns of single particles, and the truth");
  const auto flags = std::make_shared<Flags>();
  add_particle(*command, *flags);
  add_detector(*command, *flags);
  add_beam(*command, *flags);
  add_files(*command, *flags);
  add_format_flag(*command, session);
  command->footer(kExamples);
  set_action(*command, session, [&session, flags] { return run(session, *flags); });
}

}  // namespace unfold::cli
