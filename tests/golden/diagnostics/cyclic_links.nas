space s {
  input image: [3, 32, 32]
  grid g[l in 0..3] from image at [0] {
    to [l+1] = here >> relu()
    to [l-1] = here >> relu()
  }
  route b in g to [2]
  y = b.end
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
