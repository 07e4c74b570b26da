space s {
  input image: [3, 32, 32]
  grid g[l in 0..=2, r in {1, 2}] from image at [0, 1] {
    to [l+1, r] = here >> relu()
  }
  route b in g to [2, 1]
  y = b.end
  preset p { b = 3 }
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
