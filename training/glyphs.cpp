#include "training/glyphs.h"

#include <array>

#include "common/error.h"

namespace muster {

namespace {

using Glyphs = std::vector<Glyph>;

Stroke Curve(std::vector<Point> points) { return {true, std::move(points)}; }
Stroke Line(std::vector<Point> points) { return {false, std::move(points)}; }

Glyphs Zeros() {
  return {{Curve({{.5F, 0},
                  {.2F, .15F},
                  {.1F, .5F},
                  {.2F, .85F},
                  {.5F, 1},
                  {.8F, .85F},
                  {.9F, .5F},
                  {.8F, .15F},
                  {.5F, 0}})},
          {Curve({{.6F, .02F},
                  {.3F, .1F},
                  {.25F, .5F},
                  {.35F, .9F},
                  {.5F, 1},
                  {.7F, .85F},
                  {.75F, .5F},
                  {.7F, .12F},
                  {.45F, 0}})},
          {Curve({{.5F, 0},
                  {.15F, .2F},
                  {.1F, .5F},
                  {.2F, .85F},
                  {.5F, 1},
                  {.8F, .85F},
                  {.9F, .5F},
                  {.8F, .15F},
                  {.5F, 0}}),
           Line({{.75F, .15F}, {.25F, .85F}})}};
}

Glyphs Ones() {
  return {{Line({{.5F, 0}, {.5F, 1}})},
          {Line({{.3F, .25F}, {.55F, 0}, {.55F, 1}})},
          {Line({{.3F, .22F}, {.52F, 0}, {.52F, 1}}), Line({{.25F, 1}, {.8F, 1}})}};
}

Glyphs Twos() {
  return {{Curve({{.15F, .25F},
                  {.3F, .05F},
                  {.6F, 0},
                  {.82F, .2F},
                  {.75F, .45F},
                  {.45F, .75F},
                  {.15F, 1}}),
           Line({{.15F, 1}, {.88F, 1}})},
          {Curve({{.2F, .2F},
                  {.4F, 0},
                  {.75F, .1F},
                  {.75F, .4F},
                  {.45F, .75F},
                  {.2F, .95F},
                  {.2F, .75F},
                  {.45F, .85F},
                  {.85F, 1}})},
          {Curve({{.15F, .1F}, {.5F, 0}, {.8F, .2F}, {.6F, .5F}, {.2F, .9F}}),
           Curve({{.2F, .9F}, {.5F, .88F}, {.85F, .95F}})}};
}

Glyphs Threes() {
  return {{Curve({{.15F, .12F}, {.45F, 0}, {.8F, .15F}, {.7F, .4F}, {.42F, .47F}}),
           Curve({{.42F, .47F}, {.78F, .55F}, {.85F, .8F}, {.5F, 1}, {.12F, .88F}})},
          {Line({{.15F, 0}, {.8F, 0}, {.45F, .4F}}),
           Curve({{.45F, .4F}, {.8F, .5F}, {.85F, .8F}, {.5F, 1}, {.15F, .9F}})},
          {Curve({{.2F, .05F},
                  {.6F, 0},
                  {.75F, .25F},
                  {.5F, .45F},
                  {.75F, .65F},
                  {.65F, .95F},
                  {.2F, .95F}})}};
}

Glyphs Fours() {
  return {{Line({{.6F, 0}, {.1F, .68F}, {.92F, .68F}}), Line({{.68F, .3F}, {.68F, 1}})},
          {Line({{.2F, 0}, {.15F, .5F}, {.8F, .5F}}), Line({{.75F, 0}, {.72F, 1}})},
          {Line({{.68F, 1}, {.68F, 0}, {.1F, .65F}, {.9F, .65F}})},
          {Curve({{.2F, .05F}, {.15F, .35F}, {.3F, .52F}, {.75F, .4F}}),
           Line({{.78F, .05F}, {.7F, 1}})}};
}

Glyphs Fives() {
  return {{Line({{.8F, 0}, {.25F, 0}, {.2F, .42F}}),
           Curve({{.2F, .42F}, {.55F, .36F}, {.85F, .6F}, {.75F, .9F}, {.4F, 1}, {.12F, .88F}})},
          {Curve({{.25F, .05F}, {.22F, .42F}, {.6F, .4F}, {.82F, .65F}, {.65F, .95F}, {.2F, .98F}}),
           Line({{.25F, .05F}, {.85F, .02F}})},
          {Curve({{.82F, .02F},
                  {.4F, .05F},
                  {.28F, .35F},
                  {.65F, .5F},
                  {.72F, .8F},
                  {.45F, 1},
                  {.15F, .9F}})}};
}

Glyphs Sixes() {
  return {{Curve({{.7F, 0},
                  {.35F, .25F},
                  {.15F, .65F},
                  {.3F, .95F},
                  {.6F, 1},
                  {.82F, .78F},
                  {.65F, .52F},
                  {.35F, .55F},
                  {.18F, .75F}})},
          {Curve({{.45F, 0},
                  {.25F, .4F},
                  {.2F, .75F},
                  {.4F, 1},
                  {.75F, .95F},
                  {.8F, .68F},
                  {.5F, .55F},
                  {.25F, .72F}})},
          {Curve({{.8F, .08F},
                  {.45F, .05F},
                  {.2F, .4F},
                  {.15F, .75F},
                  {.45F, 1},
                  {.8F, .85F},
                  {.75F, .55F},
                  {.45F, .48F},
                  {.18F, .65F}})}};
}

Glyphs Sevens() {
  return {{Line({{.12F, 0}, {.88F, 0}, {.4F, 1}})},
          {Line({{.12F, .02F}, {.85F, 0}, {.45F, 1}}), Line({{.3F, .5F}, {.8F, .48F}})},
          {Curve({{.15F, .12F}, {.4F, .02F}, {.85F, .05F}, {.65F, .45F}, {.5F, 1}})}};
}

Glyphs Eights() {
  return {{Curve({{.5F, .47F},
                  {.2F, .28F},
                  {.28F, .05F},
                  {.5F, 0},
                  {.75F, .06F},
                  {.78F, .28F},
                  {.5F, .47F},
                  {.15F, .72F},
                  {.25F, .95F},
                  {.5F, 1},
                  {.78F, .94F},
                  {.85F, .7F},
                  {.5F, .47F}})},
          {Curve({{.78F, .1F},
                  {.5F, 0},
                  {.22F, .15F},
                  {.3F, .38F},
                  {.7F, .6F},
                  {.78F, .85F},
                  {.5F, 1},
                  {.22F, .85F},
                  {.32F, .6F},
                  {.68F, .38F},
                  {.78F, .1F}})},
          {Curve({{.5F, 0},
                  {.25F, .12F},
                  {.28F, .38F},
                  {.5F, .46F},
                  {.72F, .36F},
                  {.74F, .1F},
                  {.5F, 0}}),
           Curve({{.5F, .46F},
                  {.2F, .65F},
                  {.2F, .88F},
                  {.5F, 1},
                  {.8F, .88F},
                  {.8F, .64F},
                  {.5F, .46F}})}};
}

Glyphs Nines() {
  return {{Curve({{.8F, .28F},
                  {.65F, .02F},
                  {.35F, .02F},
                  {.18F, .25F},
                  {.32F, .48F},
                  {.62F, .46F},
                  {.8F, .28F}}),
           Line({{.8F, .28F}, {.72F, 1}})},
          {Curve({{.78F, .2F},
                  {.5F, 0},
                  {.2F, .2F},
                  {.3F, .48F},
                  {.62F, .45F},
                  {.78F, .2F},
                  {.8F, .6F},
                  {.65F, .92F},
                  {.25F, .98F}})},
          {Curve({{.75F, .15F},
                  {.45F, .02F},
                  {.2F, .28F},
                  {.42F, .5F},
                  {.72F, .3F},
                  {.75F, .12F},
                  {.7F, .5F},
                  {.45F, 1}})}};
}

}  // namespace

std::span<const Glyph> GlyphsOf(unsigned digit) {
  // Never destroyed: threads may draw until the process ends.
  static const auto& all = *new std::array<Glyphs, 10>{
      Zeros(), Ones(), Twos(), Threes(), Fours(), Fives(), Sixes(), Sevens(), Eights(), Nines()};
  MUSTER_CHECK(digit < all.size(), "there are ten digits");
  return all[digit];
}

}  // namespace muster
