// See config_number.h.
#include "core/config_number.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string>

namespace causeway {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// A decimal number in pieces: ± digits · 10^exponent, exact.
struct Decimal {
  bool negative = false;
  std::string digits;  ///< without leading zeros; "" is zero
  int exponent = 0;
};

/// Digits in groups ("524_288": an underscore stands between digits only), appended to `out`.
bool take_digits(std::string_view& text, std::string& out) {
  size_t i = 0;
  for (; i < text.size(); ++i) {
    const bool between =
        i > 0 && i + 1 < text.size() && is_digit(text[i - 1]) && is_digit(text[i + 1]);
    if (is_digit(text[i])) {
      out += text[i];
    } else if (text[i] != '_' || !between) {
      break;
    }
  }
  text.remove_prefix(i);
  return i > 0;
}

/// Of "e-4" or "G" at the end of a number; false when neither is there.
bool take_power(std::string_view text, int& exponent) {
  static constexpr std::string_view kSuffixes = "kMGT";
  if (const size_t i = kSuffixes.find(text[0]); i != std::string_view::npos && text.size() == 1) {
    exponent += 3 * (static_cast<int>(i) + 1);
    return true;
  }
  if (text[0] != 'e' && text[0] != 'E') return false;
  text.remove_prefix(1);
  if (!text.empty() && text[0] == '+') text.remove_prefix(1);
  if (text.empty() || !(is_digit(text.back()))) return false;
  int power = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), power);
  // Beyond ±9999 nothing is finite or non-zero, and sums of exponents cannot overflow below it.
  if (failed != std::errc() || end != text.data() + text.size() || std::abs(power) > 9999)
    return false;
  exponent += power;
  return true;
}

std::optional<Decimal> parse_decimal(std::string_view text) {
  Decimal d;
  if (text.size() > 400) return std::nullopt;  // no sane number is longer
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    d.negative = text[0] == '-';
    text.remove_prefix(1);
  }
  bool any = take_digits(text, d.digits);
  if (!text.empty() && text[0] == '.') {
    text.remove_prefix(1);
    const size_t whole = d.digits.size();
    any = take_digits(text, d.digits) || any;
    d.exponent -= static_cast<int>(d.digits.size() - whole);
  }
  if (!any) return std::nullopt;
  if (!text.empty() && !take_power(text, d.exponent)) return std::nullopt;
  d.digits.erase(0, std::min(d.digits.find_first_not_of('0'), d.digits.size()));
  return d;
}

/// Exact: the digits of the whole number are written out before they are read.
template <class Int>
std::optional<Int> parse_whole(std::string_view text) {
  std::optional<Decimal> d = parse_decimal(text);
  if (!d) return std::nullopt;
  if (d->digits.empty()) return Int{0};
  for (; d->exponent < 0 && !d->digits.empty() && d->digits.back() == '0'; ++d->exponent)
    d->digits.pop_back();
  if (d->exponent < 0 || d->exponent > 20) return std::nullopt;
  std::string whole = (d->negative ? "-" : "") + d->digits;
  whole.append(static_cast<size_t>(d->exponent), '0');
  Int value{};
  const auto [end, failed] = std::from_chars(whole.data(), whole.data() + whole.size(), value);
  if (failed != std::errc() || end != whole.data() + whole.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<int64_t> parse_int64(std::string_view text) { return parse_whole<int64_t>(text); }
std::optional<uint64_t> parse_uint64(std::string_view text) { return parse_whole<uint64_t>(text); }

std::optional<double> parse_double(std::string_view text) {
  const std::optional<Decimal> d = parse_decimal(text);
  if (!d) return std::nullopt;
  if (d->digits.empty()) return d->negative ? -0.0 : 0.0;
  const std::string plain = fmt::format("{}{}e{}", d->negative ? "-" : "", d->digits, d->exponent);
  double value = 0;
  const auto [end, failed] = std::from_chars(plain.data(), plain.data() + plain.size(), value);
  if (failed != std::errc() || end != plain.data() + plain.size()) return std::nullopt;
  return value;
}

}  // namespace causeway
