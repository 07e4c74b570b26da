space s {
  input image: [3, 32, 32]
  block ways(x) {
    stem = x >> conv_bn_relu(4, k = 3)
    grid g[l in 0..=2, r in {1, 2}] from stem at [0, 1] {
      width v in {2, 4}
      to [l+1, r] = here >> conv_bn(2*next.v, k = 3)
      to [l+1, 2*r] = here >> conv_bn(2*next.v, k = 3, stride = 2)
    }
    route way in g to [2, 2]
    return way.end, way.last(1)
  }
  a, b = ways(image)
  c = image >> conv_bn(channels(b), k = 1)
  y = concat(a >> resize_like(image), b, c)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
