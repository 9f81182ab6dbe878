"""DC1's binning, done with numpy in the words of engines/imaging.md a, to compare with ours.

Usage: raw_peer.py make FOLDER           raw files of an instrument of 18 degrees
       raw_peer.py bin TRA NPZ OUT PIXEL EMIN EMAX STEP   what DC1 makes of them
"""
import gzip
import sys

try:
    import numpy as np
except ImportError:
    sys.exit(77)

MC2 = 510.99895


def fisbel(bins):
    """Bin edges of the equal-area binning: polar and azimuthal minimum and maximum."""
    area = 4 * np.pi / bins
    collars = int(np.pi / np.sqrt(area) - 1 + 0.5) + 2
    edge, count = np.zeros(collars + 1), np.zeros(collars, int)
    edge[-1], count[0], count[-1] = np.pi, 1, 1
    edge[1] = np.arccos(1 - 2 / bins)
    edge[-2] = np.pi - edge[1]
    for c in range(1, int(np.ceil(collars / 2))):
        guess = edge[c] + (edge[collars - c] - edge[c]) / (collars - 2 * c)
        count[c] = count[collars - 1 - c] = int(
            2 * np.pi * (np.cos(edge[c]) - np.cos(guess)) / area + 0.5)
        edge[c + 1] = np.arccos(np.clip(np.cos(edge[c]) - count[c] * area / 2 / np.pi, -1, 1))
        edge[collars - c - 1] = np.pi - edge[c + 1]
    out = []
    for c in range(collars):
        azimuth = np.linspace(0, 2 * np.pi, count[c] + 1)
        mid, wide = np.mean(edge[c:c + 2]), edge[c + 1] - edge[c]
        for a in range(count[c]):
            centre, width = np.mean(azimuth[a:a + 2]), azimuth[a + 1] - azimuth[a]
            out.append((mid - wide / 2, mid + wide / 2, centre - width / 2, centre + width / 2))
    return np.around(np.array(out), 6)


def unit(lon, lat):
    lon, lat = np.radians(lon), np.radians(lat)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], -1)


def read_events(path):
    rows, now = [], {}
    with gzip.open(path, "rt") as text:
        for line in text:
            words = line.split()
            if not words:
                continue
            if words[0] == "SE":
                rows.append(now)
                now = {}
            elif words[0] == "ET":
                now["ET"] = words[1]
            elif words[0] in ("TI", "GX", "GZ", "CE", "CD"):
                now[words[0]] = np.array(words[1:], float)
    rows = [r for r in rows + [now] if r.get("ET") == "CO"]
    get = lambda key: np.array([r[key] for r in rows])
    gamma, electron = get("CE")[:, 0], get("CE")[:, 2]
    way = get("CD")[:, 0:3] - get("CD")[:, 6:9]
    with np.errstate(invalid="ignore"):
        phi = np.arccos(1 - MC2 / gamma + MC2 / (gamma + electron))
    chi = np.arctan2(way[:, 1], way[:, 0])
    chi[chi < 0] += 2 * np.pi
    good = ~np.isnan(phi)
    events = dict(t=get("TI")[:, 0], e=gamma + electron, phi=phi,
                  psi=np.arccos(way[:, 2] / np.linalg.norm(way, axis=1)), chi=np.abs(chi),
                  x=unit(*get("GX").T), z=unit(*get("GZ").T))
    return {key: value[good] for key, value in events.items()}


def weights(edges, low, high):
    """DC1's rule for the energies of a background file: pairs of bin and weight."""
    low, high = max(low, edges[0]), min(high, edges[-1])
    inside = np.where((edges >= low) & (edges <= high))[0]
    if len(inside) == 0:
        return [(np.where(edges <= low)[0][-1], 1.0)]
    first, last = inside[0], inside[-1]
    out = [] if edges[first] == low else [
        (first - 1, (edges[first] - low) / (edges[first] - edges[first - 1]))]
    out += [(i, 1.0) for i in inside[:-1]]
    if edges[last] != high:
        width = edges[last + 1] - edges[last] if first == last else edges[last] - edges[last - 1]
        out.append((last, (high - edges[last]) / width))
    return out


def pointings(events, bins, step_deg, bin_of, lengths):
    axes, seconds = [], []
    y = np.cross(events["z"], events["x"])
    frame = np.stack([events["x"], y / np.linalg.norm(y, axis=1)[:, None], events["z"]], 1)
    for b in range(bins):
        inside = np.where(bin_of == b)[0]
        if len(inside) == 0:
            axes.append(np.full((3, 3), np.nan))
            seconds.append(lengths[b])
            continue
        inside = inside[np.argsort(events["t"][inside], kind="stable")]
        start, spent = inside[0], []
        axes.append(frame[start])
        for i in inside:
            angle = np.degrees(np.arccos(np.minimum(1, np.sum(frame[i] * frame[start], 1))))
            if (angle >= step_deg).any() or i == inside[-1]:
                axes.append(frame[i])
                spent.append(events["t"][i] - events["t"][start])
                start = i
        spent.append(lengths[b] - sum(spent))
        seconds.extend(spent)
    return np.array(axes), np.array(seconds)


def bin_events(tra, npz, out, pixel, emin, emax, step):
    events = read_events(tra)
    t = events["t"] - events["t"].min()
    bins = int(np.ceil(t.max() / step))
    position = t * (1 / step)
    bin_of = np.floor(position).astype(int)
    bin_of[bin_of >= bins] = -1
    lengths = np.full(bins, float(step))
    lengths[-1] = t.max() - (bins - 1) * step
    edges = np.concatenate([[0], np.cumsum(lengths)])
    kept = [b for b in range(bins) if (bin_of == b).any()]

    axes, seconds = pointings(events, bins, 5.0, bin_of, lengths)
    end = np.cumsum(seconds)
    place = np.full(len(end), -1)
    for i, b in enumerate(kept):
        place[(end > edges[b]) & (end <= edges[b + 1])] = i
    use = (place >= 0) & ~np.isnan(axes[:, 0, 0])

    n_phi = int(round(180 / pixel))
    grid = fisbel(int(np.floor(4 * np.pi / np.radians(pixel) ** 2)))
    phi_edges = np.linspace(0, np.pi, n_phi + 1)
    window = (events["e"] >= emin) & (events["e"] <= emax)
    counts = np.zeros((len(kept), n_phi, len(grid)))
    for i, b in enumerate(kept):
        for k in np.where((bin_of == b) & window)[0]:
            f = np.where((events["psi"][k] >= grid[:, 0]) & (events["psi"][k] < grid[:, 1]) &
                         (events["chi"][k] >= grid[:, 2]) & (events["chi"][k] < grid[:, 3]))[0]
            p = min(np.searchsorted(phi_edges, events["phi"][k], side="right") - 1, n_phi - 1)
            counts[i, p, f] += 1

    with np.load(npz) as file:
        total, norm = 0, 0
        for e, w in weights(file["energy_bin_edges"].astype(float), emin, emax):
            total = total + w * file["n_bg_ph_per_bin"][e] * file["bg_response"][e]
            norm += w * file["n_bg_ph_per_bin"][e]
    template = (total / norm).ravel()
    index = np.where(template > 0)[0]
    background = template[index] * counts.sum((1, 2)).mean()
    live = np.bincount(place[use], seconds[use], len(kept))
    cube = np.ascontiguousarray(counts.reshape(len(kept), -1)[:, index])
    np.savez(out, counts=cube, cds_index=index, background=background,
             live=live, seconds=seconds[use], place=place[use],
             axes=axes[use].reshape(-1, 9), all_counts=counts.sum())


def make(folder):
    """An instrument that turns and nods for 30 hours, with gaps and unsorted times."""
    random = np.random.default_rng(20261120)
    n, hours = 4000, 30
    t = random.uniform(0, hours * 3600, n)
    t[(t > 20000) & (t < 26000)] -= 7000  # two empty bins of 1800 s
    az = 2 * np.pi * t / 9000
    dec = 0.5 * np.sin(2 * np.pi * t / 40000)
    z = np.stack([np.cos(dec) * np.cos(az), np.cos(dec) * np.sin(az), np.sin(dec)], -1)
    east = np.stack([-np.sin(az), np.cos(az), 0 * az], -1)
    roll = 2 * np.pi * t / 30000
    x = np.cos(roll)[:, None] * east + np.sin(roll)[:, None] * np.cross(z, east)
    degrees = lambda v: (np.degrees(np.arctan2(v[:, 1], v[:, 0])) % 360,
                         np.degrees(np.arcsin(v[:, 2])))
    total = random.uniform(480, 540, n)
    total[:2000] = 511
    share = random.uniform(0.05, 0.95, n)  # of the electron: some have no angle
    second = random.normal(size=(n, 3)) * 3
    with gzip.open(f"{folder}/e.tra.gz", "wt") as text:
        text.write("Type tra\nVersion 21\n\n")
        for i in range(n):
            gx, gz = degrees(x[i:i + 1]), degrees(z[i:i + 1])
            text.write(f"SE\nET {'CO' if i % 50 else 'PH'}\nID {i}\nTI {1.46e9 + t[i]:.6f}\n")
            text.write(f"GX {gx[0][0]:.5f} {gx[1][0]:.5f}\nGZ {gz[0][0]:.5f} {gz[1][0]:.5f}\n")
            text.write(f"CE {total[i] * (1 - share[i]):.4f} 1 {total[i] * share[i]:.4f} 1\n")
            text.write("CD 0 0 0 0 0 0 %.5f %.5f %.5f 0 0 0 0 0 0 0 0 0\n" % tuple(second[i]))
        text.write("EN\n")
    phi, f = 10, len(fisbel(127))
    energies = np.array([143, 473, 500, 506, 516, 526, 560])
    response = random.uniform(0, 1, (6, phi, f)) * (np.arange(phi)[None, :, None] < 7)
    response /= response.sum((1, 2))[:, None, None]
    photons = random.integers(10, 1000, 6).astype(float)
    np.savez_compressed(f"{folder}/b.npz", bg_response=response, energy_bin_edges=energies,
                        n_bg_ph_per_bin=photons)
    np.savez_compressed(f"{folder}/b-fortran.npz", bg_response=np.asfortranarray(response),
                        energy_bin_edges=energies, n_bg_ph_per_bin=photons)
    grid = random.uniform(0, 1, (10, 20, phi, f))
    np.savez_compressed(f"{folder}/r.npz", ResponseGrid=grid)
    np.savez(f"{folder}/r-fortran.npz", ResponseGrid=np.asfortranarray(grid))
    continuum = random.uniform(0, 1, (10, 20, phi, f, 2, 3)).astype("f4")
    edges = np.array([100, 480, 530, 5000])
    for name, array in (("c", continuum), ("c-fortran", np.asfortranarray(continuum))):
        np.savez(f"{folder}/{name}.npz", ResponseGrid=array, e_edges=edges)
    np.savez(f"{folder}/c-sum.npz", rows=continuum.astype("f8").sum(4)[..., 1].reshape(200, -1),
             line=grid.reshape(200, -1))
    np.savez(f"{folder}/small.npz", ResponseGrid=grid[:5])
    np.savez(f"{folder}/negative.npz", ResponseGrid=-grid)


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2])
    else:
        bin_events(*sys.argv[2:5], *(float(v) for v in sys.argv[5:9]))
